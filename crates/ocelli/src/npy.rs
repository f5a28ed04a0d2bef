//! Rows in NumPy's files.

use anyhow::Context;
use npyz::{DType, NpyFile, Order, TypeChar, WriterBuilder};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::failure::BadInput;
use crate::whole_file::write_whole;

/// A matrix of rows.
pub(crate) struct Matrix {
    pub(crate) values: Vec<f32>,
    pub(crate) rows: usize,
    pub(crate) width: usize,
}

/// What a file may be.
const EXPECTED: &str = "numpy.save(FILE, numpy.ascontiguousarray(x, dtype='float32')) writes a file that can \
                        be read, where x has two axes";

/// Reads a file of rows: two axes, in C order, float32 or float64. Elements of float64 are rounded.
pub(crate) fn read(path: &Path) -> anyhow::Result<Matrix> {
    let shown = path.display();
    let refuse = |what: String| BadInput::new(format!("{shown}: {what}")).hint(EXPECTED);
    let file = File::open(path).with_context(|| shown.to_string())?;
    let length = file.metadata().with_context(|| shown.to_string())?.len();
    let npy = NpyFile::new(BufReader::new(file))
        .map_err(|error| refuse(format!("not a NumPy file: {error}")))?;
    let kind = match npy.dtype() {
        DType::Plain(kind) => kind,
        other => {
            return Err(refuse(format!("elements are {}, expected numbers", other.descr())).into());
        }
    };
    let (TypeChar::Float, bytes @ (4 | 8)) = (kind.type_char(), kind.size_field()) else {
        let message = format!("elements are {kind}, expected float32 or float64");
        return Err(refuse(message).into());
    };
    if npy.order() != Order::C {
        return Err(refuse("columns come first (Fortran order), expected rows".to_owned()).into());
    }
    let [rows, width] = npy.shape() else {
        let message = format!("it has shape {:?}, expected two axes, [rows, columns]", npy.shape());
        return Err(refuse(message).into());
    };
    let (rows, width) = (*rows, *width);
    // A header can claim anything: memory is reserved for what is there.
    let claimed = rows.checked_mul(width).and_then(|count| count.checked_mul(bytes));
    if claimed.is_none_or(|claimed| claimed > length) {
        let message =
            format!("it claims {rows} × {width} elements, which {length} bytes cannot hold");
        return Err(refuse(message).into());
    }
    let cut = |error: std::io::Error| refuse(format!("cannot be read to its end: {error}"));
    let values = if bytes == 4 {
        npy.into_vec::<f32>().map_err(cut)?
    } else {
        npy.into_vec::<f64>().map_err(cut)?.into_iter().map(|value| value as f32).collect()
    };
    Ok(Matrix { values, rows: rows as usize, width: width as usize })
}

/// Writes rows as float32, in C order.
pub(crate) fn write(path: &Path, values: &[f32], width: usize) -> anyhow::Result<()> {
    let shown = || path.display().to_string();
    let mut bytes = Vec::with_capacity(4 * values.len() + 256);
    let shape = [(values.len() / width.max(1)) as u64, width as u64];
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let mut writer = options.begin_nd().with_context(shown)?;
    writer.extend(values.iter().copied()).with_context(shown)?;
    writer.finish().with_context(shown)?;
    write_whole(path, bytes)
}
