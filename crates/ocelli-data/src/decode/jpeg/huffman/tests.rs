use super::super::bits::ScanData;
use super::*;

/// Codes 0, 10, 110 and a long one of 12 bits: 111111111110.
fn table(symbols: [u8; 4], is_dc: bool) -> Option<Table> {
    let mut definition = vec![1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    definition.extend(symbols);
    Table::new(&definition, is_dc)
}

/// Zeros and value of each coefficient; the end of a block is (64, 0).
fn decoded(table: &Table, bytes: &[u8]) -> Vec<(usize, i16)> {
    let mut data = ScanData::default();
    data.read(&[bytes, &[0xff, 0xd9]].concat()).unwrap();
    let mut bits = data.runs().next().unwrap();
    let mut symbols = Vec::new();
    while symbols.len() < 3 {
        bits.refill();
        let Some(run) = table.decode(0, &mut bits) else { break };
        if run.first() < END_OF_BLOCK {
            symbols.push((run.first(), run.first_value()));
            if run.second() > run.first() {
                symbols.push((run.second() - run.first() - 1, run.second_value()));
            }
        }
        if run.advance() >= END_OF_BLOCK {
            symbols.push((END_OF_BLOCK, 0));
        }
    }
    symbols.truncate(3);
    symbols
}

#[test]
fn codes_give_runs_and_signed_values() {
    let table = table([0x12, 0x00, 0x0a, 0x31], false).unwrap();
    // 0·11 is one zero and 3; 10 ends the block; 0·01 is one zero and −2.
    assert_eq!(decoded(&table, &[0b0111_0001, 0]), [(1, 3), (64, 0), (1, -2)]);
    // The same value twice is found in one step.
    assert_eq!(decoded(&table, &[0b0110_1110, 0]), [(1, 3), (1, 3), (64, 0)]);
    // 110 and ten bits do not fit the lookup: 1000000001 is 513.
    assert_eq!(decoded(&table, &[0b1101_0000, 0b0000_1101, 0x0f])[..2], [(0, 513), (64, 0)]);
    // 1110 0000 0000·1 is the long code: its prefix has no entry.
    assert_eq!(decoded(&table, &[0b1110_0000, 0b0000_1000])[0], (3, 1));
}

#[test]
fn impossible_tables_and_codes_are_refused() {
    assert!(table([0, 1, 2, 12], true).is_none());
    assert!(Table::new(&[3; 16], false).is_none());
    let mut crowded = vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    crowded.extend([1, 2, 3]);
    assert!(Table::new(&crowded, false).is_none());
    let table = table([0x12, 0x00, 0x0a, 0x31], false).unwrap();
    assert!(decoded(&table, &[0b1111_1111, 0, 0b1111_1111, 0]).is_empty());
}

#[test]
fn extra_bits_are_signed_as_the_standard_says() {
    let values: Vec<i32> = (0..8).map(|bits| extend(bits, 3)).collect();
    assert_eq!(values, [-7, -6, -5, -4, 4, 5, 6, 7]);
    assert_eq!(extend(0, 0), 0);
}
