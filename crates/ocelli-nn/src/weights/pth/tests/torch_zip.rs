//! A writer that lays a zip out as PyTorch's does: entries stored at multiples of 64 bytes behind
//! padding in an extra field `FB`, a descriptor behind each, and Zip64 records at the end of every file.

/// Where entries begin: at multiples of this.
const ALIGNMENT: usize = 64;

/// How the sizes and offsets of entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// In 32 bits, as in files of less than 4 GB.
    Narrow,
    /// In extra fields of 64 bits, as in files of more.
    Wide,
}

/// The file `STEM.pth` with these entries.
pub(super) fn torch_zip(stem: &str, entries: &[(&str, &[u8])], width: Width) -> Vec<u8> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for (name, bytes) in entries {
        let name = format!("{stem}/{name}");
        let header = file.len();
        let wide: &[u64] = match width {
            Width::Narrow => &[],
            Width::Wide => &[bytes.len() as u64, bytes.len() as u64, header as u64],
        };
        let zip64 = zip64_field(wide);
        let begin = header + 30 + name.len() + zip64.len() + 4;
        let padding = begin.next_multiple_of(ALIGNMENT) - begin;
        file.extend(b"PK\x03\x04\0\0\x08\x08\0\0\0\0\0\0");
        file.extend([0; 12]);
        file.extend((name.len() as u16).to_le_bytes());
        file.extend(((zip64.len() + 4 + padding) as u16).to_le_bytes());
        file.extend(name.as_bytes());
        file.extend(&zip64);
        file.extend(b"FB");
        file.extend((padding as u16).to_le_bytes());
        file.extend(vec![b'Z'; padding]);
        file.extend(*bytes);
        let size = (bytes.len() as u32).to_le_bytes();
        // The checksum is not looked at.
        file.extend(b"PK\x07\x08\0\0\0\0");
        file.extend([size, size].concat());

        let narrow = |number: usize| match width {
            Width::Narrow => (number as u32).to_le_bytes(),
            Width::Wide => [0xff; 4],
        };
        directory.extend(b"PK\x01\x02\0\0\0\0\x08\x08\0\0\0\0\0\0\0\0\0\0");
        directory.extend([narrow(bytes.len()), narrow(bytes.len())].concat());
        directory.extend((name.len() as u16).to_le_bytes());
        directory.extend((zip64.len() as u16).to_le_bytes());
        directory.extend([0; 10]);
        directory.extend(narrow(header));
        directory.extend(name.as_bytes());
        directory.extend(&zip64);
    }
    let (start, length, count) = (file.len(), directory.len(), entries.len());
    file.extend(directory);
    let record = file.len();
    file.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x1e\x03\x2d\0\0\0\0\0\0\0\0\0");
    for number in [count, count, length, start] {
        file.extend((number as u64).to_le_bytes());
    }
    file.extend(b"PK\x06\x07\0\0\0\0");
    file.extend((record as u64).to_le_bytes());
    file.extend(1_u32.to_le_bytes());
    file.extend(b"PK\x05\x06\0\0\0\0");
    match width {
        Width::Narrow => {
            file.extend([(count as u16).to_le_bytes(), (count as u16).to_le_bytes()].concat());
            file.extend([(length as u32).to_le_bytes(), (start as u32).to_le_bytes()].concat());
        }
        Width::Wide => file.extend([0xff; 12]),
    }
    file.extend([0, 0]);
    file
}

/// The extra field of 64-bit values; empty without values.
fn zip64_field(values: &[u64]) -> Vec<u8> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut field = vec![1, 0, (values.len() * 8) as u8, 0];
    field.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    field
}
