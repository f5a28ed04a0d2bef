//! Lines that prove themselves: each ends with a hash of itself and of all before it.
//!
//! A flipped bit, an edited number, and a line that was removed or moved are found. The hash is the last
//! field of the object, so that a line stays plain JSON for other readers.

/// How a sealed line goes on behind its own fields.
const KEY: &str = ",\"hash\":\"";
const DIGITS: usize = 16;
const END: &str = "\"}";

/// The hashes of the lines so far.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    last: blake3::Hash,
}

impl Seal {
    /// Before the first line.
    pub(super) fn new() -> Self {
        Self { last: blake3::hash(b"") }
    }

    /// Whether a line ends as sealed ones do. Ledgers of the first version have no seals.
    pub(super) fn is_on(line: &[u8]) -> bool {
        split(line).is_some()
    }

    /// The next line with its seal.
    pub(super) fn put_on(&mut self, object: &str) -> String {
        let body = object.strip_suffix('}').unwrap_or(object);
        self.advance(body.as_bytes());
        format!("{body}{KEY}{}{END}", self.digits())
    }

    /// The next line without its seal, which has to fit.
    pub(super) fn take_off(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let (body, digits) = split(line)?;
        self.advance(body);
        (digits == self.digits().as_bytes()).then(|| [body, b"}"].concat())
    }

    fn advance(&mut self, body: &[u8]) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.last.as_bytes()).update(body);
        self.last = hasher.finalize();
    }

    fn digits(&self) -> String {
        self.last.to_hex()[..DIGITS].to_owned()
    }
}

/// The fields of a line, and the digits of its seal.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let line = line.trim_ascii_end().strip_suffix(END.as_bytes())?;
    let (rest, digits) = line.split_at_checked(line.len().checked_sub(DIGITS)?)?;
    Some((rest.strip_suffix(KEY.as_bytes())?, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_fits_its_line_at_its_number() {
        let mut seal = Seal::new();
        let lines = ["{\"a\":1}", "{\"a\":true}", "{\"a\":1}"].map(|line| seal.put_on(line));
        assert_ne!(lines[0], lines[2], "the same fields in another line");
        let value: serde_json::Value = serde_json::from_str(&lines[1]).unwrap();
        assert_eq!((&value["a"], value["hash"].as_str().unwrap().len()), (&true.into(), 16));

        let read = |lines: &[String]| {
            let mut seal = Seal::new();
            lines.iter().map(|line| seal.take_off(line.as_bytes())).collect::<Option<Vec<_>>>()
        };
        assert_eq!(read(&lines).unwrap()[1], b"{\"a\":true}");
        let [one, two, three] = &lines;
        assert_eq!(read(&[one.clone(), two.replace("true", "false")]), None);
        assert_eq!(read(&[one.clone(), three.clone()]), None, "a line is missing");
        assert_eq!(read(&[two.clone(), one.clone()]), None);
        assert!(Seal::is_on(one.as_bytes()) && !Seal::is_on(b"{\"a\":1}\n"));
    }
}
