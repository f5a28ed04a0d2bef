//! How large a block is.

/// How many elements a block should hold at least, to outweigh handing it to a thread.
const BLOCK_VALUES: usize = 16 * 1024;

/// Rows per block for rows that touch `values` elements each. It depends on the problem alone.
pub(crate) fn rows_per_block(values: usize) -> usize {
    (BLOCK_VALUES / values.max(1)).clamp(12, 4096) / 12 * 12
}
