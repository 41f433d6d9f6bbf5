"""Functions of one number, for the compiled loops: activations with their slopes, and the exponential.

Plain Python that Numba compiles; short enough for LLVM to turn a loop over them into vector instructions. Constants
are float32, so that float32 numbers stay what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

F = np.float32
Scalar = Any


def tanh(x: Scalar) -> Scalar:
    """tanh as a quotient of odd and even polynomials, to about 1e-7.

    The coefficients are those of Eigen's and XLA's tanh. Beyond 7.9 the result is 1 in float32. Written so that
    a NaN passes through: a clamp with min and max would hide it.
    """
    x = F(7.90531110763549805) if x > F(7.90531110763549805) else x
    x = F(-7.90531110763549805) if x < F(-7.90531110763549805) else x
    s = x * x
    p = F(-2.76076847742355e-16) * s + F(2.00018790482477e-13)
    p = p * s + F(-8.60467152213735e-11)
    p = p * s + F(5.12229709037114e-08)
    p = p * s + F(1.48572235717979e-05)
    p = p * s + F(6.37261928875436e-04)
    p = p * s + F(4.89352455891786e-03)
    q = F(1.19825839466702e-06) * s + F(1.18534705686654e-04)
    q = q * s + F(2.26843463243900e-03)
    q = q * s + F(4.89352518554385e-03)
    return x * p / q


def tanh_slope(a: Scalar) -> Scalar:
    """tanh' from a = tanh(x)."""
    return F(1) - a * a


def sigmoid(x: Scalar) -> Scalar:
    """σ(x) = (1 + tanh(x / 2)) / 2."""
    return F(0.5) * tanh(F(0.5) * x) + F(0.5)


def sigmoid_slope(a: Scalar) -> Scalar:
    """σ' from a = σ(x)."""
    return a * (F(1) - a)


def relu(x: Scalar) -> Scalar:
    """max(x, 0), NaN for NaN."""
    return F(0) if x < F(0) else x


def relu_slope(a: Scalar) -> Scalar:
    """relu' from a = relu(x), 0 at 0."""
    return F(1) if a > F(0) else F(0)


def linear(x: Scalar) -> Scalar:
    """x itself."""
    return x


def linear_slope(a: Scalar) -> Scalar:
    """1."""
    return F(1)


def power_of_two(n: Scalar) -> Scalar:
    """2^n for a whole number n from -126 to 127; `llvm.py` says what is compiled in its place."""
    return F(2) ** n


def exp(x: Scalar) -> Scalar:
    """e^x = 2^n e^r with x = n ln 2 + r, |r| at most ln 2 / 2, to about 2e-7 of the result.

    The polynomial of e^r is that of the Cephes library. Beyond 88 the result is e^88, below -87 it is e^-87, next to
    nothing; a NaN passes through.
    """
    x = F(88) if x > F(88) else x
    x = F(-87) if x < F(-87) else x
    n = np.floor(x * F(1.44269504088896341) + F(0.5))
    # ln 2 in two parts, so that n ln 2 is exact to more than float32
    r = x - n * F(0.693359375) - n * F(-2.12194440e-4)
    p = F(1.9875691500e-4) * r + F(1.3981999507e-3)
    p = p * r + F(8.3334519073e-3)
    p = p * r + F(4.1665795894e-2)
    p = p * r + F(1.6666665459e-1)
    p = p * r + F(5.0000001201e-1)
    return (p * r * r + r + F(1)) * power_of_two(n)


ACTIVATIONS: dict[str, tuple[Callable[[Scalar], Scalar], Callable[[Scalar], Scalar]]] = {
    "tanh": (tanh, tanh_slope),
    "sigmoid": (sigmoid, sigmoid_slope),
    "relu": (relu, relu_slope),
    "linear": (linear, linear_slope),
}
"""Each activation that compiled steps know, with its slope as a function of its value."""
