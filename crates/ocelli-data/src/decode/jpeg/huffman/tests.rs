use super::super::bits::ScanData;
use super::*;

/// Codes 0, 10, 110 and a long one of 12 bits: 111111111110.
fn table(symbols: [u8; 4], is_dc: bool) -> Option<Table> {
    let mut definition = vec![1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    definition.extend(symbols);
    Table::new(&definition, is_dc)
}

/// The bits of a scan of these bytes.
fn with_bits<T>(bytes: &[u8], run: impl FnOnce(&mut Bits<'_>) -> T) -> T {
    let mut data = ScanData::default();
    data.read(&[bytes, &[0xff, 0xd9]].concat()).unwrap();
    run(&mut data.runs(1).unwrap().next().unwrap())
}

/// The coefficients of a block with these bits that are not zero, and how many are known.
fn decoded(table: &Table, bytes: &[u8]) -> Option<(Vec<(usize, i16)>, usize)> {
    let mut block = [0; 64];
    let order = std::array::from_fn(|at| at as u8);
    let read = |bits: &mut Bits<'_>| table.read_coefficients(bits, &order, &mut block);
    let count = with_bits(bytes, read)?;
    let values = block.iter().copied().enumerate().filter(|(_, value)| *value != 0).collect();
    Some((values, count))
}

#[test]
fn codes_give_runs_and_signed_values() {
    let table = table([0x12, 0x00, 0x0a, 0x31], false).unwrap();
    // 0·11 is one zero and 3; 0·01 is one zero and −2; 10 ends the block.
    let block = Some((vec![(2, 3), (4, -2)], 5));
    assert_eq!(decoded(&table, &[0b0110_0110, 0]), block);
    // 110 and ten bits do not fit the lookup: 1000000001 is 513.
    assert_eq!(decoded(&table, &[0b1101_0000, 0b0000_1100]), Some((vec![(1, 513)], 2)));
    // 1110 0000 0000·1 is the long code: its prefix has no entry.
    assert_eq!(decoded(&table, &[0b1110_0000, 0b0000_1100]), Some((vec![(4, 1)], 5)));
    assert_eq!(decoded(&table, &[0b1000_0000]), Some((vec![], 1)));
}

/// Blocks are read and passed over alike, whatever bits they consist of: to the same bit, or to
/// the same refusal.
#[test]
fn what_is_passed_over_is_what_would_be_read() {
    let standard = super::super::standard_tables::at(4).unwrap();
    // One code of each length, with symbols that fill blocks fast and some without a meaning.
    let mut steep = vec![1; 16];
    steep[..8].fill(1);
    steep.extend([0xf1, 0xf0, 0x01, 0x00, 0x30, 0x1a, 0x0f, 0xe2, 0x02, 7, 8, 9, 0x21, 0xa0, 1, 2]);
    for definition in [standard, &steep] {
        let mut table = Table::new(definition, false).unwrap();
        let without = table.clone();
        table.skips = Skips::new(definition);
        let mut noise = 1_u32;
        let (mut sound, mut refused) = (0, 0);
        for _ in 0..2000 {
            let bytes: Vec<u8> = (0..80)
                .map(|_| {
                    noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (noise >> 24) as u8 & 0x7f
                })
                .collect();
            let read = |bits: &mut Bits<'_>| {
                let mut block = [0; 64];
                without.read_coefficients(bits, &[0; 64], &mut block).map(|_| bits.position())
            };
            let skip =
                |bits: &mut Bits<'_>| table.skip_coefficients(bits).map(|()| bits.position());
            let read = with_bits(&bytes, read);
            assert_eq!(with_bits(&bytes, skip), read);
            if read.is_some() { sound += 1 } else { refused += 1 }
        }
        assert!(sound > 200 && refused > 20, "{sound} {refused}");
    }
}

#[test]
fn a_full_block_ends_without_a_code() {
    // 0·1 is a coefficient of one bit, 10 ends a block: after 63 coefficients the next bits are
    // another block.
    let mut definition = vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x00];
    let mut table = Table::new(&definition, false).unwrap();
    table.skips = Skips::new(&definition);
    let full: Vec<u8> = [vec![0b0101_0101; 15], vec![0b0101_0110]].concat();
    let (values, count) = decoded(&table, &full).unwrap();
    assert_eq!((values.len(), count), (63, 64));
    let left = |bits: &mut Bits<'_>| {
        table.skip_coefficients(bits).unwrap();
        bits.refill();
        bits.peek(2)
    };
    assert_eq!(with_bits(&full, left), 0b10);
    // Sixteen zeros for the fifth time are more than a block holds.
    definition[16] = 0xf0;
    let mut table = Table::new(&definition, false).unwrap();
    table.skips = Skips::new(&definition);
    assert_eq!(decoded(&table, &[0b0000_1000, 0]), None);
    assert!(with_bits(&[0b0000_1000, 0], |bits| table.skip_coefficients(bits)).is_none());
    assert_eq!(decoded(&table, &[0b0001_0000, 0]), Some((vec![], 49)));
}

#[test]
fn impossible_tables_and_codes_are_refused() {
    assert!(table([0, 1, 2, 16], true).is_none());
    assert!(table([0, 1, 2, 15], true).is_some());
    assert!(Table::new(&[3; 16], false).is_none());
    let mut crowded = vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    crowded.extend([1, 2, 3]);
    assert!(Table::new(&crowded, false).is_none());
    // A run of three zeros without a coefficient means nothing.
    let table = table([0x12, 0x00, 0x30, 0x31], false).unwrap();
    assert!(decoded(&table, &[0b1111_1111, 0, 0b1111_1111, 0]).is_none());
    assert!(decoded(&table, &[0b1100_0000]).is_none());
}

#[test]
fn extra_bits_are_signed_as_the_standard_says() {
    let values: Vec<i32> = (0..8).map(|bits| extend(bits, 3)).collect();
    assert_eq!(values, [-7, -6, -5, -4, 4, 5, 6, 7]);
    assert_eq!(extend(0, 0), 0);
}
