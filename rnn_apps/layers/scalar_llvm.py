"""What is compiled in the place of `scalar.power_of_two`: the exponent of a float written into its bits."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from rnn_apps.layers import scalar

_EXPONENT_BITS, _EXPONENT_BIAS = 23, 127


@intrinsic
def _from_exponent(typingctx: Any, n: Any) -> Any:
    """2^n in float32 of a whole float32 n, in instructions that LLVM has for vectors too."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer = ir.IntType(32)
        biased = builder.add(builder.fptosi(args[0], integer), integer(_EXPONENT_BIAS))
        return builder.bitcast(builder.shl(biased, integer(_EXPONENT_BITS)), ir.FloatType())

    return types.float32(types.float32), codegen


@overload(scalar.power_of_two)
def _power_of_two(n: Any) -> Any:
    def implementation(n: Any) -> Any:
        return _from_exponent(n)

    return implementation
