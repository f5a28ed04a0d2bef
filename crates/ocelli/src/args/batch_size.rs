//! How many images a forward pass has.

/// A number of images for a forward pass.
pub(crate) fn batch_size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (1..=1 << 20).contains(&size) => Ok(size),
        _ => Err("expected 1 to 1048576 images".to_owned()),
    }
}
