//! Files of clusters, codebooks and codes: safetensors with a checksum of the centroids.
//!
//! Clusters: `centroids` `[k, width]`, and `assignment` `[rows]`, unsigned, where it is kept. Codebooks:
//! `centroids` `[codebooks, 2ᵇ, width / codebooks]`. Codes: `codes` `[rows, bytes]`. The metadata
//! (JSON, under `ocelli`) says what a file is (`format`), and has `blake3`, of the centroids; of codes it names the
//! codebooks that made them.

use crate::product::{Codes, ProductQuantizer};
use crate::{Error, KMeansFit, Result, rows};
use ocelli_kernels::Rows;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::{BTreeMap, HashMap};

/// All metadata are one entry, JSON with sorted keys: safetensors writes several in an order that differs from run to
/// run, and the same content is to be the same file.
const METADATA: &str = "ocelli";

const CLUSTERS: &str = "ocelli-clusters-1";
const CODEBOOKS: &str = "ocelli-codebooks-1";
const CODES: &str = "ocelli-codes-1";

/// The centroids of a k-means, and which of them rows belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// `[k, width]`
    pub centroids: Vec<f32>,
    /// How wide a centroid is.
    pub width: usize,
    /// The cluster of each row.
    pub assignment: Vec<u32>,
    /// What else is to be known of them, such as the fingerprint of a dataset.
    pub notes: BTreeMap<String, String>,
}

impl From<KMeansFit> for Clusters {
    fn from(fit: KMeansFit) -> Self {
        let KMeansFit { centroids, width, assignment, .. } = fit;
        Self { centroids, width, assignment, notes: BTreeMap::new() }
    }
}

impl Clusters {
    /// How many centroids there are.
    pub fn k(&self) -> usize {
        self.centroids.len() / self.width
    }

    /// The file's content.
    ///
    /// # Errors
    /// [`Error::File`] when the parts do not fit each other.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let centroids = little_endian(&self.centroids);
        let assignment: Vec<u8> =
            self.assignment.iter().flat_map(|cluster| cluster.to_le_bytes()).collect();
        let mut metadata = self.notes.clone();
        metadata.extend(header(CLUSTERS, &blake3::hash(&centroids).to_hex()));
        let tensors = [
            ("assignment", Dtype::U32, vec![self.assignment.len()], &assignment),
            ("centroids", Dtype::F32, vec![self.k(), self.width], &centroids),
        ];
        write("clusters", tensors, &metadata)
    }

    /// Reads a file's content.
    ///
    /// # Errors
    /// [`Error::File`] when it is not such a file, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = OpenFile::new("clusters", CLUSTERS, bytes)?;
        let (shape, data) = file.tensor("centroids", Dtype::F32, 2)?;
        file.check_hash(&blake3::hash(data).to_hex())?;
        let centroids = floats(data);
        if shape.contains(&0) {
            return Err(file.fault("there are no centroids"));
        }
        rows::check(Rows::dense(&centroids, shape[1]))?;
        let (_, data) = file.tensor("assignment", Dtype::U32, 1)?;
        let (chunks, _) = data.as_chunks::<4>();
        let assignment: Vec<u32> = chunks.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        if let Some(row) = assignment.iter().position(|cluster| *cluster as usize >= shape[0]) {
            let reason = format!("row {row} is in cluster {} of {}", assignment[row], shape[0]);
            return Err(file.fault(&reason));
        }
        let mut notes = file.metadata;
        notes.retain(|key, _| key != "format" && key != "blake3");
        Ok(Self { centroids, width: shape[1], assignment, notes })
    }
}

impl ProductQuantizer {
    /// The content of a file of these codebooks.
    ///
    /// # Errors
    /// None that a user could cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let centroids = little_endian(self.centroids());
        let (codebooks, k) = (self.codebooks(), 1 << self.bits());
        let shape = vec![codebooks, k, self.width() / codebooks];
        let metadata = header(CODEBOOKS, self.checksum()).into_iter().collect();
        write("codebooks", [("centroids", Dtype::F32, shape, &centroids)], &metadata)
    }

    /// Reads a file's content.
    ///
    /// # Errors
    /// [`Error::File`] when it is not such a file, or damaged, and what
    /// [`from_centroids`](Self::from_centroids) says.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let file = OpenFile::new("codebooks", CODEBOOKS, bytes)?;
        let (shape, data) = file.tensor("centroids", Dtype::F32, 3)?;
        let [codebooks, k, part] = [shape[0], shape[1], shape[2]];
        if !k.is_power_of_two() {
            return Err(file.fault(&format!("a codebook has {k} centroids, no power of two")));
        }
        let width = codebooks.saturating_mul(part);
        let quantizer = Self::from_centroids(width, codebooks, k.ilog2(), floats(data))?;
        file.check_hash(quantizer.checksum())?;
        Ok(quantizer)
    }
}

/// The content of a file of codes.
///
/// # Errors
/// None that a user could cause.
pub fn codes_to_bytes(codes: &Codes) -> Result<Vec<u8>> {
    let shape = vec![codes.count(), codes.bytes_per_row()];
    let bytes = codes.bytes().to_vec();
    let mut metadata: BTreeMap<_, _> = header(CODES, codes.checksum()).into_iter().collect();
    metadata.insert("blake3_of_codes".to_owned(), blake3::hash(&bytes).to_hex().to_string());
    write("codes", [("codes", Dtype::U8, shape, &bytes)], &metadata)
}

/// Reads the content of a file of codes.
///
/// # Errors
/// [`Error::File`] when it is not such a file, or damaged.
pub fn codes_from_bytes(bytes: &[u8]) -> Result<Codes> {
    let file = OpenFile::new("codes", CODES, bytes)?;
    let (shape, data) = file.tensor("codes", Dtype::U8, 2)?;
    let hash = blake3::hash(data).to_hex();
    if file.metadata.get("blake3_of_codes").map(String::as_str) != Some(hash.as_str()) {
        return Err(file.fault("the checksum of the codes differs: the file is damaged"));
    }
    let checksum = file.metadata.get("blake3").cloned().unwrap_or_default();
    Codes::new(data.to_vec(), shape[1], checksum)
}

struct OpenFile<'a> {
    kind: &'static str,
    file: SafeTensors<'a>,
    metadata: BTreeMap<String, String>,
}

impl<'a> OpenFile<'a> {
    fn new(kind: &'static str, format: &str, bytes: &'a [u8]) -> Result<Self> {
        let fault = |reason: String| Error::File { kind, reason };
        let (_, header) =
            SafeTensors::read_metadata(bytes).map_err(|error| fault(error.to_string()))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| fault(error.to_string()))?;
        let text = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA));
        let metadata: BTreeMap<String, String> = match text {
            Some(text) => {
                serde_json::from_str(text).map_err(|error| fault(format!("metadata: {error}")))?
            }
            None => BTreeMap::new(),
        };
        match metadata.get("format") {
            Some(found) if found == format => Ok(Self { kind, file, metadata }),
            Some(found) => Err(fault(format!("its format is '{found}', expected '{format}'"))),
            None => Err(fault(format!("it names no format, expected '{format}'"))),
        }
    }

    fn fault(&self, reason: &str) -> Error {
        Error::File { kind: self.kind, reason: reason.to_owned() }
    }

    fn tensor(&self, name: &str, dtype: Dtype, axes: usize) -> Result<(Vec<usize>, &[u8])> {
        let tensor = self.file.tensor(name).map_err(|error| self.fault(&error.to_string()))?;
        let (found, shape) = (tensor.dtype(), tensor.shape().to_vec());
        if found != dtype || shape.len() != axes {
            let reason = format!(
                "'{name}' has type {found:?} and shape {shape:?}, expected {dtype:?} and {axes} axes"
            );
            return Err(self.fault(&reason));
        }
        // The data borrows from the file's bytes, which outlive this.
        let data = self.file.tensor(name).map_err(|error| self.fault(&error.to_string()))?;
        Ok((shape, data.data()))
    }

    fn check_hash(&self, hash: &str) -> Result<()> {
        if self.metadata.get("blake3").map(String::as_str) == Some(hash) {
            return Ok(());
        }
        Err(self.fault("the checksum of the centroids differs: the file is damaged"))
    }
}

fn header(format: &str, hash: &str) -> [(String, String); 2] {
    [("format".to_owned(), format.to_owned()), ("blake3".to_owned(), hash.to_owned())]
}

fn write<const N: usize>(
    kind: &'static str,
    tensors: [(&str, Dtype, Vec<usize>, &Vec<u8>); N],
    metadata: &BTreeMap<String, String>,
) -> Result<Vec<u8>> {
    let fault =
        |error: safetensors::SafeTensorError| Error::File { kind, reason: error.to_string() };
    let views = tensors
        .into_iter()
        .map(|(name, dtype, shape, data)| Ok((name, TensorView::new(dtype, shape, data)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(fault)?;
    let text = serde_json::to_string(metadata)
        .map_err(|error| Error::File { kind, reason: error.to_string() })?;
    serialize(views, Some(HashMap::from([(METADATA.to_owned(), text)]))).map_err(fault)
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(data: &[u8]) -> Vec<f32> {
    let (chunks, _) = data.as_chunks::<4>();
    chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clusters() -> Clusters {
        Clusters {
            centroids: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            width: 3,
            assignment: vec![0, 1, 1, 0],
            notes: BTreeMap::from([("data".to_owned(), "abc".to_owned())]),
        }
    }

    fn quantizer() -> ProductQuantizer {
        let centroids = (0..16).map(|at| at as f32 * 0.5).collect();
        ProductQuantizer::from_centroids(4, 2, 2, centroids).unwrap()
    }

    #[test]
    fn files_come_back_the_same() {
        let clusters = clusters();
        assert_eq!(Clusters::from_bytes(&clusters.to_bytes().unwrap()).unwrap(), clusters);
        for _ in 0..20 {
            assert_eq!(clusters.to_bytes(), clusters.to_bytes());
        }
        let quantizer = quantizer();
        let bytes = quantizer.to_bytes().unwrap();
        assert_eq!(ProductQuantizer::from_bytes(&bytes).unwrap(), quantizer);
        let codes = quantizer.encode(Rows::dense(&[0.1; 12], 4)).unwrap();
        assert_eq!(codes_from_bytes(&codes_to_bytes(&codes).unwrap()).unwrap(), codes);
    }

    #[test]
    fn a_file_of_another_kind_is_refused_by_its_format() {
        let bytes = clusters().to_bytes().unwrap();
        let error = ProductQuantizer::from_bytes(&bytes).unwrap_err().to_string();
        let expected = "not a file of codebooks: its format is 'ocelli-clusters-1', expected \
                        'ocelli-codebooks-1'";
        assert_eq!(error, expected);
        let error = codes_from_bytes(&quantizer().to_bytes().unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("not a file of codes: its format is 'ocelli-codebooks-1'"));
        assert!(Clusters::from_bytes(b"no such file").is_err());
    }

    #[test]
    fn a_changed_byte_is_found() {
        type Refuses = fn(&[u8]) -> bool;
        let codes = quantizer().encode(Rows::dense(&[0.1; 12], 4)).unwrap();
        let files: [(Vec<u8>, Refuses); 3] = [
            (clusters().to_bytes().unwrap(), |bytes| Clusters::from_bytes(bytes).is_err()),
            (quantizer().to_bytes().unwrap(), |bytes| ProductQuantizer::from_bytes(bytes).is_err()),
            (codes_to_bytes(&codes).unwrap(), |bytes| codes_from_bytes(bytes).is_err()),
        ];
        for (mut bytes, refuses) in files {
            assert!(!refuses(&bytes));
            assert!(refuses(&bytes[..bytes.len() - 1]));
            *bytes.last_mut().unwrap() ^= 1;
            assert!(refuses(&bytes));
        }
    }

    #[test]
    fn an_assignment_beyond_the_centroids_is_named() {
        let mut clusters = clusters();
        clusters.assignment[2] = 2;
        let error = Clusters::from_bytes(&clusters.to_bytes().unwrap()).unwrap_err().to_string();
        assert_eq!(error, "not a file of clusters: row 2 is in cluster 2 of 2");
    }
}
