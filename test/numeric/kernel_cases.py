"""Products and convolutions whose kernels are made in another way than the
compiler would: by oneDNN, or with odd tiles."""

# Part of Sluice, under the Apache License v2.0. See LICENSE.

from cases import case

ONEDNN = {"flags": ["--kernels=onednn"], "needs": "onednn"}


def tilings(node, **choices):
    """Variants of a case: each choice on this node."""
    return {
        name: {"flags": [f"--tiling=/{node}:{text}"]}
        for name, text in choices.items()
    }


# oneDNN --------------------------------------------------------------------


@case(**ONEDNN)
def onednn_conv(g):
    x = g.input([2, 16, 13, 11])
    y = g.Conv(x, g.weight(24, 16, 3, 3), g.weight(24), pads=[1, 1, 1, 1])
    g.output(g.Relu(y))


@case(**ONEDNN)
def onednn_conv_odd(g):
    """Few channels, uneven padding, strides, dilations."""
    x = g.input([1, 5, 19, 14])
    y = g.Conv(x, g.weight(7, 5, 3, 2), strides=[2, 1], pads=[0, 1, 2, 0],
               dilations=[2, 3])
    g.output(g.LeakyRelu(y, alpha=0.2))


@case(**ONEDNN)
def onednn_conv_residual(g):
    x = g.input([1, 16, 9, 9])
    y = g.Conv(x, g.weight(16, 16, 3, 3), g.weight(16), pads=[1, 1, 1, 1])
    z = g.Conv(g.Relu(y), g.weight(16, 16, 1, 1), g.weight(16))
    g.output(g.Relu(g.Add(z, x)))


@case(**ONEDNN)
def onednn_conv_strided_pixels(g):
    y = g.Conv(g.input([1, 64, 14, 14]), g.weight(32, 64, 1, 1), strides=[2, 2])
    g.output(g.Sigmoid(y))


@case(**ONEDNN)
def onednn_depthwise(g):
    y = g.Conv(g.input([1, 24, 15, 12]), g.weight(24, 1, 3, 3), g.weight(24),
               group=24, strides=[2, 2], pads=[1, 1, 1, 1])
    g.output(g.Clip(y, g.constant(0.0), g.constant(6.0)))


@case(**ONEDNN)
def onednn_grouped(g):
    y = g.Conv(g.input([1, 12, 8, 8]), g.weight(6, 4, 3, 3), group=3)
    g.output(g.HardSwish(y))


@case(**ONEDNN)
def onednn_conv_1d(g):
    y = g.Conv(g.input([2, 8, 40]), g.weight(16, 8, 5), g.weight(16), pads=[2, 2])
    g.output(g.Tanh(y))


@case(**ONEDNN)
def onednn_conv_3d(g):
    y = g.Conv(g.input([1, 4, 6, 7, 8]), g.weight(8, 4, 3, 3, 3), g.weight(8))
    g.output(g.Elu(y, alpha=0.7))


@case(**ONEDNN)
def onednn_gemm(g):
    y = g.Gemm(g.input([33, 20]), g.weight(17, 20), g.weight(17), transB=1)
    g.output(g.Mul(y, g.Sigmoid(y)))


@case(**ONEDNN)
def onednn_matmul_rows(g):
    """All leading dimensions are rows of one product, with a long epilogue."""
    y = g.MatMul(g.input([2, 5, 20]), g.weight(20, 24))
    y = g.Add(y, g.weight(24))
    y = g.Mul(g.Sub(y, g.constant(0.5)), g.constant(1.5))
    y = g.Min(g.Max(y, g.constant(-2.0)), g.weight(24))
    g.output(g.Div(g.Abs(y), g.weight(24, low=0.5, high=2.0)))


@case(**ONEDNN)
def onednn_batched(g):
    x, y = g.input([3, 2, 7, 9]), g.input([3, 2, 11, 9])
    g.output(g.MatMul(x, g.Transpose(y, perm=[0, 1, 3, 2])))


@case(**ONEDNN)
def onednn_broadcast_batches(g):
    x, y = g.input([3, 1, 7, 9]), g.input([4, 9, 5])
    g.output(g.Add(g.MatMul(x, y), g.input([3, 4, 7, 5])))


@case(**ONEDNN)
def onednn_transposed_operand(g):
    x, y = g.input([9, 7]), g.input([9, 5])
    g.output(g.MatMul(g.Transpose(x, perm=[1, 0]), y))


@case(**ONEDNN)
def onednn_single_row(g):
    g.output(g.MatMul(g.input([1, 64]), g.weight(64, 100)))


@case(**ONEDNN)
def onednn_separate_epilogue(g):
    """There is no post-op for the error function, nor for two uses."""
    y = g.MatMul(g.input([4, 20]), g.weight(20, 24))
    g.output(g.Erf(y))
    z = g.Conv(g.input([1, 8, 6, 6]), g.weight(8, 8, 3, 3))
    g.output(g.Mul(g.Sin(z), g.Relu(z)))


@case(**ONEDNN)
def onednn_dynamic(g):
    """Stays builtin."""
    y = g.Conv(g.input([2, 3, 9, 7], dynamic=True), g.weight(8, 3, 3, 3))
    g.output(g.Relu(y))


@case(**ONEDNN)
def onednn_shared_kernel(g):
    """Equal kernels with different weights."""
    x = g.input([6, 32])
    for _ in range(3):
        x = g.Relu(g.MatMul(x, g.weight(32, 32)))
    g.output(x)


# Tiles ---------------------------------------------------------------------


@case(tilings("MatMul_0", narrow="tile_rows=3,tile_vectors=1,unroll=5",
              wide="tile_rows=2,tile_vectors=8",
              blocks="row_block=1,column_block=100,rows_outer=true",
              depth="depth_block=7,tile_rows=5", prefetch="prefetch_distance=64"))
def tiled_matmul(g):
    y = g.MatMul(g.input([2, 23, 50]), g.weight(50, 77))
    g.output(g.Relu(g.Add(y, g.weight(77))))


@case(tilings("MatMul_1", narrow="tile_rows=1,tile_vectors=1", wide="tile_vectors=5",
              depth="depth_block=16,unroll=3"))
def tiled_run_time_matmul(g):
    x, y = g.input([3, 19, 37]), g.input([3, 41, 37])
    g.output(g.MatMul(x, g.Transpose(y, perm=[0, 2, 1])))


@case(tilings("MatMul_0", rows="tile_rows=7,tile_vectors=3", depth="depth_block=9"))
def tiled_dynamic_matmul(g):
    y = g.MatMul(g.input([13, 30], dynamic=True), g.weight(30, 50))
    g.output(g.Add(y, g.weight(50)))


@case(tilings("Conv_0", tile="tile_rows=3,tile_vectors=3", one="tile_rows=1",
              blocks="line_block=2,channel_block=8",
              copied="copy_padded=true,tile_rows=5,unroll=4"))
def tiled_conv(g):
    y = g.Conv(g.input([2, 5, 13, 11]), g.weight(37, 5, 3, 3), g.weight(37),
               pads=[1, 2, 1, 0])
    g.output(g.Relu(y))


@case(tilings("Conv_0", tile="tile_rows=5,tile_vectors=1", wide="tile_vectors=4",
              depth="depth_block=13,row_block=9"))
def tiled_pixels(g):
    g.output(g.Conv(g.input([1, 40, 9, 7]), g.weight(50, 40, 1, 1), g.weight(50)))


@case(tilings("Conv_0", tile="tile_rows=7,tile_vectors=1,channels_outer=false",
              wide="tile_rows=2,tile_vectors=3,line_block=1,channel_block=8"))
def tiled_depthwise(g):
    g.output(g.Conv(g.input([1, 40, 11, 9]), g.weight(40, 1, 3, 3), group=40,
                    pads=[1, 1, 1, 1]))


@case(tilings("Conv_0", tile="tile_rows=2,tile_vectors=1", wide="tile_vectors=4"))
def tiled_grouped(g):
    g.output(g.Conv(g.input([1, 12, 10, 9]), g.weight(18, 4, 3, 3), group=3))


@case(tilings("ConvTranspose_0", tile="tile_rows=3,tile_vectors=2", wide="tile_vectors=4",
              blocks="line_block=2,channel_block=8,unroll=3"))
def tiled_conv_transpose(g):
    """Each phase of the strides has these tiles."""
    y = g.ConvTranspose(g.input([2, 5, 7, 6]), g.weight(5, 37, 3, 3), g.weight(37),
                        strides=[2, 1], pads=[1, 0, 0, 1])
    g.output(g.Relu(y))
