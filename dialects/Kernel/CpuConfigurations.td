//===- CpuConfigurations.td - How a CPU's kernels are made ----------------===//
//
// Part of Sluice, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef KERNEL_CPU_CONFIGURATIONS_TD
#define KERNEL_CPU_CONFIGURATIONS_TD

include "dialects/Kernel/ConfigInterface.td"
include "dialects/Kernel/KernelAttributes.td"
include "mlir/IR/BuiltinAttributes.td"

class Kernel_ConfigAttr<string name, string attributeMnemonic>
    : AttrDef<Kernel_Dialect, name,
              [DeclareAttrInterfaceMethods<KernelConfigAttrInterface>]> {
  let mnemonic = attributeMnemonic;
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

class Kernel_Size<string value, string text>
    : DefaultValuedParameter<"int64_t", value, text>;
class Kernel_Flag<string text>
    : DefaultValuedParameter<"bool", "false", text> {
  let printer = [{$_printer << ($_self ? "true" : "false")}];
}
class Kernel_Nanoseconds<string text>
    : OptionalParameter<"::mlir::FloatAttr", text>;

def Kernel_CpuPanelCopiesAttr : AttrDef<Kernel_Dialect, "CpuPanelCopies"> {
  let mnemonic = "cpu_panel_copies";
  let summary = "copies of the panels of packed weights";
  let description = [{
    Part of a `cpu_contraction`: a task copies `depth` steps of a panel in the
    type and order that the dot unit `unit` multiplies, multiplies all of its
    rows with them, and copies the next ones. Where fewer than `fewest_rows`
    rows come, they read the panels as they lie.
  }];
  let parameters = (ins
    Kernel_Word<"the dot unit">:$unit,
    Kernel_Size<"1", "fewer rows make no copies">:$fewest_rows,
    Kernel_Size<"1", "steps of the depth of a copy">:$depth);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Kernel_CpuContractionAttr
    : Kernel_ConfigAttr<"CpuContraction", "cpu_contraction"> {
  let summary = "tiles and blocks of a matrix product on a CPU";
  let description = [{
    A register tile is `tile_rows` x `tile_vectors` vectors of `lanes` sums,
    which the dot unit `unit` adds up; blocks of rows, columns and depth are
    whole tiles. See ContractionTiling.h.

    ```mlir
    #kernel.cpu_contraction<unit = float, lanes = 8, tile_rows = 6,
      tile_vectors = 2, row_block = 96, column_block = 64>
    ```
  }];
  let parameters = (ins
    Kernel_Word<"the dot unit">:$unit,
    "int64_t":$lanes,
    Kernel_Flag<"the unit is spelled out in plain arithmetic">:$emulated,
    Kernel_Size<"1", "rows of a register tile">:$tile_rows,
    Kernel_Size<"1", "vectors of columns of a tile">:$tile_vectors,
    Kernel_Size<"1", "steps of the loop over the depth at once">:$unroll,
    Kernel_Size<"0", "elements of weights to fetch ahead">:$prefetch_distance,
    Kernel_Size<"2", "one in so many numbers of last rows has a tile">
      :$partial_tiles,
    Kernel_Size<"1", "rows of a block">:$row_block,
    Kernel_Size<"1", "columns of a block">:$column_block,
    Kernel_OptionalInteger<"depth of a block; left out, all of it">
      :$depth_block,
    Kernel_Flag<"walk the columns for every tile of rows">:$rows_outer,
    Kernel_Flag<"fetch the next panel meanwhile">:$fetch_panels,
    Kernel_Flag<"fetch the next tile's rows meanwhile">:$fetch_rows,
    Kernel_Flag<"fetch what the epilogue reads and writes meanwhile">
      :$fetch_result,
    Kernel_Flag<"put the right-hand side into panels in each run">:$pack_rhs,
    OptionalParameter<"::sluice::kernel::CpuPanelCopiesAttr",
                      "of the panels; left out, all rows read them as they lie">
      :$copies,
    Kernel_Nanoseconds<"nanoseconds of a block on one core">:$block_cost);
  let extraClassDeclaration = [{
    /// Columns of a tile.
    int64_t getWidth() { return getTileVectors() * getLanes(); }
  }];
}

def Kernel_CpuConvolutionAttr
    : Kernel_ConfigAttr<"CpuConvolution", "cpu_convolution"> {
  let summary = "method, tiles and blocks of a convolution on a CPU";
  let description = [{
    `method` is `contraction` (a matrix product, configured by `contraction`),
    `implicit` (one that reads the image in place), `depthwise`, or `phases`: a
    transposed convolution as an ordinary one, configured by an entry of
    `phases`, for each phase of its strides. See ConvolutionTiling.h.
  }];
  let parameters = (ins
    Kernel_Word<"how it is computed">:$method,
    Kernel_Word<"the dot unit">:$unit,
    "int64_t":$lanes,
    Kernel_Flag<"the unit is spelled out in plain arithmetic">:$emulated,
    OptionalParameter<"::sluice::kernel::CpuContractionAttr",
                      "of the matrix product">:$contraction,
    Kernel_Size<"1", "groups computed as one">:$merged_groups,
    Kernel_Size<"1", "pixels of a line of a register tile">:$tile_pixels,
    Kernel_Size<"1", "vectors of channels of a tile">:$tile_vectors,
    Kernel_Size<"1", "steps of the innermost loop at once">:$unroll,
    Kernel_Flag<"copy weights in the type and order of the unit first">
      :$copy_weights,
    Kernel_Flag<"copy images with their padding first">:$copy_padded,
    Kernel_Size<"1", "lines of a block">:$line_block,
    Kernel_Size<"1", "output channels of a block">:$channel_block,
    Kernel_Flag<"walk the lines for every vector of channels">:$channels_outer,
    Kernel_Flag<"fetch what the next line's tile reads meanwhile">:$fetch_lines,
    Kernel_Flag<"fetch what the epilogue reads and writes meanwhile">
      :$fetch_result,
    OptionalParameter<"::mlir::ArrayAttr", "a configuration for each phase">
      :$phases,
    Kernel_Nanoseconds<"nanoseconds of a block on one core">:$block_cost);
  let extraClassDeclaration = [{
    /// Channels of a tile.
    int64_t getWidth() { return getTileVectors() * getLanes(); }
  }];
}

def Kernel_CpuRecurrenceAttr
    : Kernel_ConfigAttr<"CpuRecurrence", "cpu_recurrence"> {
  let summary = "tiles and blocks of a recurrent cell on a CPU";
  let description = [{
    A register tile has the sums of `lanes` hidden units for each gate and each
    of `tile_sequences` sequences; a task computes the steps of
    `sequence_block` sequences, which are whole tiles. Packed weights lie in
    vectors of `lanes` (`#kernel.gates`).

    ```mlir
    #kernel.cpu_recurrence<lanes = 8, tile_sequences = 3, sequence_block = 6,
      unroll = 2, fewest_sums = 8>
    ```
  }];
  let parameters = (ins
    "int64_t":$lanes,
    Kernel_Size<"1", "sequences of a register tile">:$tile_sequences,
    Kernel_Size<"1", "sequences of a task">:$sequence_block,
    Kernel_Size<"1", "steps of the loop over the hidden units at once, at least">
      :$unroll,
    Kernel_Size<"1", "sums that hide how long an addition takes: a tile of "
                     "fewer has each up to four times">:$fewest_sums);
}

def Kernel_CpuAttentionAttr
    : Kernel_ConfigAttr<"CpuAttention", "cpu_attention"> {
  let summary = "tiles and blocks of an attention on a CPU";
  let description = [{
    A register tile is `tile_rows` queries by `tile_vectors` vectors of `lanes`
    keys, or of elements of values. A task computes `query_block` queries, and
    copies `key_block` keys at a time to where tiles read them, or with
    `in_place` reads them where they lie, which is faster for few queries. With
    `split` it does so for that many keys only, and what all parts leave is
    added up.

    ```mlir
    #kernel.cpu_attention<lanes = 16, tile_rows = 6, tile_vectors = 4,
      unroll = 4, query_block = 96, key_block = 128>
    ```
  }];
  let parameters = (ins
    "int64_t":$lanes,
    Kernel_Size<"1", "queries of a register tile">:$tile_rows,
    Kernel_Size<"1", "vectors of keys, or of a value, of a tile">:$tile_vectors,
    Kernel_Size<"1", "steps of the innermost loops at once">:$unroll,
    Kernel_Size<"1", "queries of a task">:$query_block,
    Kernel_Size<"1", "keys that are copied at once">:$key_block,
    Kernel_Flag<"read keys and values where they lie">:$in_place,
    Kernel_Size<"0", "keys of a task; 0: all">:$split,
    OptionalParameter<"::sluice::kernel::CpuAttentionAttr",
                      "where no more rows share keys than its query_block">
      :$few_rows);
  let extraClassDeclaration = [{
    /// Keys of a tile.
    int64_t getWidth() { return getTileVectors() * getLanes(); }
  }];
}

#endif // KERNEL_CPU_CONFIGURATIONS_TD
