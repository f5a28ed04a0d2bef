//! TensorBoard event files, scalars only: <https://www.tensorflow.org/tensorboard>.
//!
//! A run has one event file for its whole life. A resumed run goes on in the same file, from
//! which everything after the resumed step is cut, so that no step is ever drawn twice.

mod event;
mod record;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub use event::Scalar;

use crate::ReportError;
use event::Event;
use record::BadRecord;

const PREFIX: &str = "events.out.tfevents.";

/// Appends scalars to a run's event file.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use ocelli_report::{EventWriter, read_scalars};
///
/// # let run = std::env::temp_dir().join(format!("ocelli-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&run)?;
/// let mut events = EventWriter::open(&run, 0)?;
/// events.scalar("train/loss", 10, 2.5)?;
/// events.flush()?;
/// assert_eq!(read_scalars(events.path())?[0].value, 2.5);
/// # std::fs::remove_dir_all(&run)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventWriter {
    /// Opens the event file in `folder`, creating it when there is none.
    ///
    /// An existing file is cut after the last whole record that belongs to `step` or earlier: what
    /// a killed run wrote beyond its last checkpoint is written again by the run that resumes.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn open(folder: &Path, step: u64) -> Result<Self, ReportError> {
        match find(folder)? {
            Some(path) => Self::resume(path, step),
            None => Self::create(folder),
        }
    }

    fn create(folder: &Path) -> Result<Self, ReportError> {
        let now = wall_time();
        // Another process may have begun in the same second.
        let mut path = folder.join(format!("{PREFIX}{}.ocelli", now as u64));
        let mut file = File::create_new(&path);
        for number in 1..100 {
            if !matches!(&file, Err(error) if error.kind() == ErrorKind::AlreadyExists) {
                break;
            }
            path = folder.join(format!("{PREFIX}{}.ocelli.{number}", now as u64));
            file = File::create_new(&path);
        }
        let file = file.map_err(ReportError::io(&path))?;
        let mut writer = Self { path, file: BufWriter::new(file) };
        writer.append(&event::encode_version(now))?;
        writer.flush()?;
        Ok(writer)
    }

    fn resume(path: PathBuf, step: u64) -> Result<Self, ReportError> {
        let mut keep = 0;
        for_each_event(&path, |event, end| {
            let belongs = !matches!(event, Event::Scalar(scalar) if scalar.step > step);
            if belongs {
                keep = end;
            }
            belongs
        })?;
        let mut file =
            OpenOptions::new().write(true).open(&path).map_err(ReportError::io(&path))?;
        file.set_len(keep).map_err(ReportError::io(&path))?;
        file.seek(SeekFrom::End(0)).map_err(ReportError::io(&path))?;
        let mut writer = Self { path, file: BufWriter::new(file) };
        if keep == 0 {
            writer.append(&event::encode_version(wall_time()))?;
        }
        Ok(writer)
    }

    /// Appends the value of the curve `tag` at `step`, stamped with the time of day.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn scalar(&mut self, tag: &str, step: u64, value: f32) -> Result<(), ReportError> {
        let scalar = Scalar { tag: tag.to_owned(), step, wall_time: wall_time(), value };
        self.append(&event::encode_scalar(&scalar))
    }

    /// Hands everything appended so far to the system, where a running TensorBoard sees it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> Result<(), ReportError> {
        self.file.flush().map_err(ReportError::io(&self.path))
    }

    /// The event file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&mut self, event: &[u8]) -> Result<(), ReportError> {
        record::write(&mut self.file, event).map_err(ReportError::io(&self.path))
    }
}

/// Reads every scalar of an event file, up to a torn last record.
///
/// # Errors
/// When the file cannot be read or a record is damaged.
pub fn read_scalars(path: &Path) -> Result<Vec<Scalar>, ReportError> {
    let mut scalars = Vec::new();
    let stop = for_each_event(path, |event, _| {
        if let Event::Scalar(scalar) = event {
            scalars.push(scalar);
        }
        true
    })?;
    match stop {
        None => Ok(scalars),
        Some((offset, reason)) => {
            Err(ReportError::Event { path: path.to_path_buf(), offset, reason })
        }
    }
}

/// Visits the events of a file with the offset of each one's end until `visit` says `false`, the
/// file ends or a record is damaged; a damaged record is returned with its offset.
fn for_each_event(
    path: &Path,
    mut visit: impl FnMut(Event, u64) -> bool,
) -> Result<Option<(u64, &'static str)>, ReportError> {
    let file = File::open(path).map_err(ReportError::io(path))?;
    let mut input = BufReader::new(file);
    loop {
        let start = input.stream_position().map_err(ReportError::io(path))?;
        let data = match record::read(&mut input) {
            Ok(Some(data)) => data,
            Ok(None) | Err(BadRecord::Torn) => return Ok(None),
            Err(BadRecord::Damaged(reason)) => return Ok(Some((start, reason))),
            Err(BadRecord::Io(source)) => return Err(ReportError::io(path)(source)),
        };
        let Some(event) = event::decode(&data) else {
            return Ok(Some((start, "not an event")));
        };
        let end = input.stream_position().map_err(ReportError::io(path))?;
        if !visit(event, end) {
            return Ok(None);
        }
    }
}

/// The newest event file of `folder`.
fn find(folder: &Path) -> Result<Option<PathBuf>, ReportError> {
    let mut newest = None;
    for entry in fs::read_dir(folder).map_err(ReportError::io(folder))? {
        let entry = entry.map_err(ReportError::io(folder))?;
        // A link is not followed, and a pipe would wait for its other end.
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && entry.file_name().to_string_lossy().starts_with(PREFIX) {
            newest = newest.max(Some(entry.path()));
        }
    }
    Ok(newest)
}

fn wall_time() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
