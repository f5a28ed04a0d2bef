//! How large an input may be. Every size is checked against these before memory is taken for it.

/// The largest sample that is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one encoded image file.
    pub file_bytes: u64,
    /// The most pixels (width × height) of one image.
    pub pixels: u64,
}

impl Default for Limits {
    /// 256 MiB and 100 million pixels: larger than any photograph, small enough for one sample
    /// not to exhaust a machine.
    fn default() -> Self {
        Self { file_bytes: 256 << 20, pixels: 100_000_000 }
    }
}

impl Limits {
    /// Checks the size of one encoded file.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge), with `name` for the file.
    pub(crate) fn check_file(
        &self,
        name: impl FnOnce() -> String,
        bytes: u64,
    ) -> crate::Result<()> {
        if bytes <= self.file_bytes {
            return Ok(());
        }
        Err(crate::Error::TooLarge {
            name: name(),
            found: bytes,
            unit: "bytes",
            limit: self.file_bytes,
        })
    }

    /// Checks the size of one decoded image.
    ///
    /// # Errors
    /// [`Error::TooManyPixels`](crate::Error::TooManyPixels).
    pub(crate) fn check_pixels(&self, width: u32, height: u32) -> crate::Result<()> {
        if u64::from(width) * u64::from(height) <= self.pixels {
            return Ok(());
        }
        Err(crate::Error::TooManyPixels { width, height, limit: self.pixels })
    }
}
