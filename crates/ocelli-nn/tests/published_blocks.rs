//! The blocks of GhostNet cost what Table 1 and the public code make of each.

use ocelli_nn::{Cost, registry};

/// Network, and each block's parameters and multiply-adds.
type Blocks = (&'static str, [(u64, u64); 16]);

const BLOCKS: [Blocks; 3] = [
    (
        "ghostnet_050",
        [
            (168, 1_705_984),
            (946, 4_384_128),
            (744, 2_032_128),
            (3_428, 2_668_032),
            (3_716, 1_224_960),
            (7_060, 2_273_600),
            (4_910, 907_480),
            (4_538, 837_704),
            (4_538, 837_704),
            (45_336, 3_057_392),
            (78_232, 4_090_128),
            (97_644, 3_572_688),
            (42_040, 2_005_080),
            (157_840, 2_120_280),
            (42_040, 2_005_080),
            (157_840, 2_120_280),
        ],
    ),
    (
        "ghostnet_100",
        [
            (464, 5_017_600),
            (2_564, 12_681_984),
            (2_352, 6_773_760),
            (9_636, 7_632_768),
            (13_672, 4_335_360),
            (22_920, 7_683_200),
            (17_820, 3_382_960),
            (16_436, 3_117_968),
            (16_436, 3_117_968),
            (175_792, 11_566_304),
            (306_992, 15_669_024),
            (362_840, 12_702_368),
            (160_880, 7_773_360),
            (622_880, 8_234_160),
            (160_880, 7_773_360),
            (622_880, 8_234_160),
        ],
    ),
    (
        "ghostnet_130",
        [
            (660, 7_275_520),
            (3_916, 19_681_536),
            (3_750, 10_982_272),
            (14_448, 11_712_672),
            (22_140, 7_106_112),
            (36_660, 12_434_240),
            (29_406, 5_620_888),
            (27_196, 5_195_568),
            (27_196, 5_195_568),
            (294_244, 19_156_512),
            (516_944, 25_891_120),
            (603_064, 20_660_272),
            (269_048, 13_040_664),
            (1_049_360, 13_819_416),
            (269_048, 13_040_664),
            (1_049_360, 13_819_416),
        ],
    ),
];

/// The stage and the index of each block.
const POSITIONS: [&str; 16] = [
    "0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "6.0", "6.1", "6.2", "6.3", "6.4", "7.0", "8.0",
    "8.1", "8.2", "8.3",
];

#[test]
fn each_block_of_ghostnet_costs_what_the_table_says() -> Result<(), ocelli_nn::Error> {
    for (name, blocks) in BLOCKS {
        let model = registry::find(name)?;
        let cost = Cost::new(&model.graph(&model.options())?, 224, 224)?;
        for (position, expected) in POSITIONS.iter().zip(blocks) {
            let prefix = format!("blocks.{position}.");
            let block = cost.layers.iter().filter(|layer| layer.name.starts_with(&prefix));
            let sum = block.fold((0, 0), |sum, layer| (sum.0 + layer.params, sum.1 + layer.macs));
            assert_eq!(sum, expected, "{name} {prefix}");
        }
    }
    Ok(())
}
