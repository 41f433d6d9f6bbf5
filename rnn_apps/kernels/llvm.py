"""Matrix products for few rows, compiled for the processor at hand.

A recurrent step multiplies few rows (the batch, or a thread's part of it) by a matrix that stays the same for all
steps. A BLAS library rearranges that matrix anew in every call, which costs as much as it gains at 32 rows. Here the
matrix is rearranged once for the whole sequence (`matmul.pack`), and a small tile of the result stays in registers
while the common dimension is walked once:

    tile (rows x 2 vectors) += A (rows x k) B (k x 2 vectors)

The tile's code is written as LLVM IR, because neither Python nor Numba has a vector type.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from rnn_apps.kernels import activations, matmul

PANEL = matmul.PANEL
_FLOAT, _INT, _LONG = ir.FloatType(), ir.IntType(32), ir.IntType(64)


def _processor() -> tuple[int, int]:
    """Floats in a vector register, and rows of a tile two vectors wide that fit into the registers."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16, 8
    return (8, 6) if features.get("avx2") else (4, 6)


VECTOR, ROWS = _processor()
TILE = 2 * VECTOR
"""Columns of a tile; a panel is one or several of them wide."""
WIDE = 8 * VECTOR
"""Columns of the tile for a single row, which needs as many sums under way to keep the processor busy."""
_WIDE_ROW = 0


def _emit_tile(
    builder: Any,
    rows: int,
    vectors: int,
    a: Any,
    row_step: Any,
    k_step: Any,
    b: Any,
    b_step: Any,
    c: Any,
    c_step: Any,
    depth: Any,
) -> None:
    """Emits C[i, :] += Σk A[i, k] B[k, :] for `rows` rows i and `vectors` vectors of columns. Steps are in floats.

    Columns beyond the first panel come from the panels behind it, each `depth` rows long.
    """
    vector = ir.VectorType(_FLOAT, VECTOR)

    def at(base: Any, offset: Any, kind: Any) -> Any:
        return builder.inttoptr(builder.add(base, builder.shl(offset, _LONG(2))), kind.as_pointer())

    def load(pointer: Any) -> Any:
        value = builder.load(pointer)
        value.align = 4
        return value

    def c_at(i: int, j: int) -> Any:
        return at(c, builder.add(builder.mul(_LONG(i), c_step), _LONG(j * VECTOR)), vector)

    function, entry = builder.function, builder.block
    loop, done = function.append_basic_block("tile"), function.append_basic_block("tile_done")
    initial = [[load(c_at(i, j)) for j in range(vectors)] for i in range(rows)]
    panel_step = builder.mul(depth, _LONG(PANEL))
    b_at = [
        builder.add(builder.mul(_LONG(j * VECTOR // PANEL), panel_step), _LONG(j * VECTOR % PANEL))
        for j in range(vectors)
    ]
    builder.cbranch(builder.icmp_signed(">", depth, _LONG(0)), loop, done)

    builder.position_at_end(loop)
    k = builder.phi(_LONG)
    sums = [[builder.phi(vector) for _ in range(vectors)] for _ in range(rows)]
    b_row = builder.mul(k, b_step)
    b_k = [load(at(b, builder.add(b_row, b_at[j]), vector)) for j in range(vectors)]
    a_k = builder.mul(k, k_step)
    undefined, lanes = ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(_INT, VECTOR), [0] * VECTOR)
    updated = []
    for i in range(rows):
        scalar = load(at(a, builder.add(a_k, builder.mul(_LONG(i), row_step)), _FLOAT))
        a_ik = builder.shuffle_vector(builder.insert_element(undefined, scalar, _INT(0)), undefined, lanes)
        # "contract" lets the two become one fused multiply-add
        updated.append(
            [
                builder.fadd(builder.fmul(a_ik, b_k[j], flags=("contract",)), sums[i][j], flags=("contract",))
                for j in range(vectors)
            ]
        )
    following = builder.add(k, _LONG(1))
    k.add_incoming(_LONG(0), entry)
    k.add_incoming(following, loop)
    for i in range(rows):
        for j in range(vectors):
            sums[i][j].add_incoming(initial[i][j], entry)
            sums[i][j].add_incoming(updated[i][j], loop)
    builder.cbranch(builder.icmp_signed("<", following, depth), loop, done)

    builder.position_at_end(done)
    for i in range(rows):
        for j in range(vectors):
            total = builder.phi(vector)
            total.add_incoming(initial[i][j], entry)
            total.add_incoming(updated[i][j], loop)
            # phis must stand before the first store of the block
            updated[i][j] = total
    for i in range(rows):
        for j in range(vectors):
            builder.store(updated[i][j], c_at(i, j)).align = 4


@intrinsic
def _emitted_tile(
    typingctx: Any, a: Any, row_step: Any, k_step: Any, b: Any, b_step: Any, c: Any, c_step: Any, depth: Any, rows: Any
) -> Any:
    """One tile of 1 to ROWS rows, or a single row of a wide one; pointers as integers, steps in floats."""
    signature = types.void(*[types.intp] * 9)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        *operands, rows = args
        end = builder.function.append_basic_block("tiles_end")
        switch = builder.switch(rows, end)
        tiles = {_WIDE_ROW: (1, WIDE // VECTOR)} | {count: (count, TILE // VECTOR) for count in range(1, ROWS + 1)}
        for number, (count, vectors) in tiles.items():
            block = builder.function.append_basic_block(f"tile_{number}")
            switch.add_case(_LONG(number), block)
            builder.position_at_end(block)
            _emit_tile(builder, count, vectors, *operands)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return signature, codegen


@njit(nogil=True)
def _tile(a: int, row_step: int, k_step: int, b: int, b_step: int, c: int, c_step: int, depth: int, rows: int) -> None:
    """The tiles as one function, so that a loop with several products holds their code once."""
    _emitted_tile(a, row_step, k_step, b, b_step, c, c_step, depth, rows)


@overload(matmul.add_product)
def _add_product(C: Any, A: Any, panels: Any) -> Any:
    def implementation(C: Any, A: Any, panels: Any) -> None:
        m, depth = A.shape
        a, lda = A.ctypes.data, A.strides[0] // 4
        c, ldc = C.ctypes.data, C.strides[0] // 4
        depth_bytes = 4 * depth * PANEL
        columns = panels.shape[0] * PANEL
        j = 0
        while m == 1 and j + WIDE <= columns:
            b = panels.ctypes.data + j // PANEL * depth_bytes
            _tile(a, lda, 1, b, PANEL, c + 4 * j, ldc, depth, _WIDE_ROW)
            j += WIDE
        while j < columns:
            b = panels.ctypes.data + j // PANEL * depth_bytes + 4 * (j % PANEL)
            for i in range(0, m, ROWS):
                _tile(a + 4 * i * lda, lda, 1, b, PANEL, c + 4 * (i * ldc + j), ldc, depth, min(ROWS, m - i))
            j += TILE

    return implementation


@overload(matmul.add_transposed_product)
def _add_transposed_product(C: Any, A: Any, B: Any) -> Any:
    def implementation(C: Any, A: Any, B: Any) -> None:
        depth, m = A.shape
        a, lda = A.ctypes.data, A.strides[0] // 4
        b, ldb = B.ctypes.data, B.strides[0] // 4
        c, ldc = C.ctypes.data, C.strides[0] // 4
        for j in range(0, C.shape[1], TILE):
            for i in range(0, m, ROWS):
                _tile(a + 4 * i, 1, lda, b + 4 * j, ldb, c + 4 * (i * ldc + j), ldc, depth, min(ROWS, m - i))

    return implementation


@intrinsic
def _prefetch_line(typingctx: Any, address: Any) -> Any:
    """Fetches the cache line at an address, given as an integer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, _INT, _INT, _INT])
        function = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(
            builder.module, kind, "llvm.prefetch.p0"
        )
        # to read, into the second level, data
        builder.call(function, [pointer, _INT(0), _INT(2), _INT(1)])
        return context.get_dummy_value()

    return types.void(types.intp), codegen


@overload(matmul.prefetch)
def _prefetch(matrix: Any, row: Any, start: Any, stop: Any) -> Any:
    def implementation(matrix: Any, row: Any, start: Any, stop: Any) -> None:
        address = matrix.ctypes.data + row * matrix.strides[0]
        for j in range(start, stop, 16):
            _prefetch_line(address + 4 * j)

    return implementation


_EXPONENT_BITS, _EXPONENT_BIAS = 23, 127


@intrinsic
def _from_exponent(typingctx: Any, n: Any) -> Any:
    """2^n in float32 of a whole float32 n, in instructions that LLVM has for vectors too."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer = ir.IntType(32)
        biased = builder.add(builder.fptosi(args[0], integer), integer(_EXPONENT_BIAS))
        return builder.bitcast(builder.shl(biased, integer(_EXPONENT_BITS)), ir.FloatType())

    return types.float32(types.float32), codegen


@overload(activations.power_of_two)
def _power_of_two(n: Any) -> Any:
    def implementation(n: Any) -> Any:
        return _from_exponent(n)

    return implementation
