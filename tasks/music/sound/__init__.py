"""What a piece looks and sounds like."""
