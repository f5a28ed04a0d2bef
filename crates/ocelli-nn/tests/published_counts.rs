//! Parameters and multiply-adds equal the exact counts of the papers' public code.

use ocelli_nn::ghostify::Ghost;
use ocelli_nn::parameter::{ParamSpec, Role};
use ocelli_nn::registry::ModelOptions;
use ocelli_nn::{Cost, registry};

/// Model, image size, parameters, multiply-adds of convolutions and linear layers. Our own small
/// networks, which nobody has published, are counted by hand.
const PUBLISHED: &[(&str, usize, u64, u64)] = &[
    ("ghostnet_050", 224, 2_587_292, 42_328_152),
    ("ghostnet_100", 224, 5_182_508, 141_150_512),
    ("ghostnet_110", 224, 5_855_650, 166_986_864),
    ("ghostnet_130", 224, 7_358_820, 227_003_256),
    ("ghostnet_150", 224, 9_066_488, 297_745_640),
    ("efficientnetv2_b0", 224, 7_139_704, 718_086_176),
    ("efficientnetv2_b1", 240, 8_141_052, 1_196_819_360),
    ("efficientnetv2_b2", 260, 10_096_086, 1_697_542_832),
    ("efficientnetv2_b3", 300, 14_358_406, 3_011_458_816),
    ("efficientnetv2_s", 384, 21_458_488, 8_365_617_152),
    ("efficientnetv2_m", 480, 54_139_356, 24_582_460_384),
    ("efficientnetv2_l", 480, 118_515_272, 56_079_699_008),
    ("efficientnetv2_xl", 512, 208_119_808, 93_353_451_520),
    ("efficientnetv2_small_cifar", 32, 446_652, 25_040_512),
    ("resnet18", 224, 11_689_512, 1_814_073_344),
    ("resnet34", 224, 21_797_672, 3_663_761_408),
    ("resnet50", 224, 25_557_032, 4_089_184_256),
    ("resnet56_cifar", 32, 853_018, 125_485_696),
    ("mobilenetv2_100", 224, 3_504_872, 300_774_272),
    ("efficientnet_lite0", 224, 4_652_008, 385_187_552),
    ("efficientnetv2_s", 224, 21_458_488, 2_849_895_872),
    ("efficientnetv2_xl", 224, 208_119_808, 17_901_587_200),
    ("vgg16_cifar", 32, 14_728_266, 313_201_664),
    ("vgg16_fc512_cifar", 32, 14_986_698, 313_463_808),
    ("vgg16_small_cifar", 32, 924_186, 19_907_840),
    ("vgg16_fc2048_cifar", 32, 19_982_154, 318_459_904),
    ("vgg16_fc2048_bn_cifar", 32, 19_994_570, 318_459_904),
    ("allconv_cifar", 32, 1_369_834, 270_731_136),
    ("allconv_original_cifar", 32, 1_369_738, 270_731_136),
    ("allconv_bn_cifar", 32, 1_370_986, 281_053_056),
    ("nin_cifar", 32, 966_986, 222_365_568),
    ("nin_original_cifar", 32, 973_396, 222_492_928),
    ("nin_printed_cifar", 32, 2_736_458, 675_350_400),
    ("nin_bn_cifar", 32, 968_394, 222_365_568),
    ("bvlc_alexnet", 227, 60_965_224, 724_406_816),
    ("lenet_keras_cifar", 32, 62_006, 651_720),
    ("resnet32_keras_cifar", 32, 467_946, 69_124_736),
    ("ghost_vgg16_cifar", 32, 7_388_458, 158_437_376),
    ("ghost_vgg16_fc512_cifar", 32, 7_651_050, 158_699_520),
    ("ghost_resnet56_cifar", 32, 438_154, 65_286_784),
    ("ghost_resnet50", 224, 13_953_512, 2_151_023_360),
];

/// Host, s, d, whether the first convolution stays, whether shortcuts' projections stay, parameters,
/// multiply-adds.
const GHOSTS: &[(&str, usize, usize, bool, bool, u64, u64)] = &[
    ("vgg16_cifar", 3, 3, true, false, 4_956_618, 107_733_608),
    ("vgg16_cifar", 4, 3, true, false, 3_720_634, 81_055_232),
    ("vgg16_cifar", 5, 3, true, false, 3_008_012, 66_333_968),
    ("vgg16_cifar", 2, 1, true, false, 7_371_818, 157_593_600),
    ("vgg16_cifar", 2, 5, true, false, 7_421_738, 160_124_928),
    ("vgg16_cifar", 2, 7, true, false, 7_471_658, 162_656_256),
    ("vgg16_cifar", 2, 3, false, false, 7_387_818, 157_847_552),
    ("vgg16_fc512_cifar", 3, 3, true, false, 5_219_210, 107_995_752),
    ("vgg16_fc512_cifar", 4, 3, true, false, 3_983_226, 81_317_376),
    ("vgg16_fc512_cifar", 5, 3, true, false, 3_270_604, 66_596_112),
    ("vgg16_fc512_cifar", 2, 1, true, false, 7_634_410, 157_855_744),
    ("vgg16_fc512_cifar", 2, 5, true, false, 7_684_330, 160_387_072),
    ("vgg16_fc512_cifar", 2, 7, true, false, 7_734_250, 162_918_400),
    ("vgg16_fc512_cifar", 2, 3, false, false, 7_650_474, 158_109_696),
    ("vgg16_fc512_cifar", 3, 3, false, false, 5_218_476, 107_240_040),
    ("vgg16_fc512_cifar", 4, 3, false, false, 3_982_362, 80_432_640),
    ("vgg16_fc512_cifar", 5, 3, false, false, 3_269_697, 65_665_296),
    ("vgg16_fc512_cifar", 2, 1, false, false, 7_633_578, 157_003_776),
    ("vgg16_fc512_cifar", 2, 5, false, false, 7_684_266, 160_321_536),
    ("vgg16_fc512_cifar", 2, 7, false, false, 7_734_954, 163_639_296),
    ("resnet56_cifar", 3, 3, true, false, 310_714, 48_112_768),
    ("resnet56_cifar", 4, 3, true, false, 230_722, 35_187_328),
    ("resnet56_cifar", 2, 1, true, false, 430_090, 63_222_400),
    ("resnet56_cifar", 2, 5, true, false, 454_282, 69_415_552),
    ("resnet56_cifar", 2, 7, true, false, 478_474, 75_608_704),
    ("resnet50", 2, 1, true, false, 13_847_528, 2_109_778_688),
    ("resnet50", 2, 3, true, true, 15_320_680, 2_324_080_384),
    ("resnet50", 4, 3, true, false, 8_151_752, 1_181_942_912),
    ("resnet50", 4, 1, true, false, 7_992_776, 1_120_075_904),
    ("resnet50", 4, 3, true, true, 10_202_504, 1_441_528_448),
];

#[test]
fn costs_of_ghost_forms_equal_the_exact_counts() -> Result<(), ocelli_nn::Error> {
    for &(host, ratio, cheap_kernel, keep_first, keep_shortcuts, params, macs) in GHOSTS {
        let keep = if keep_shortcuts { vec!["*.downsample.*".to_owned()] } else { Vec::new() };
        let ghost = Ghost { ratio, cheap_kernel, keep_first, keep };
        let model = registry::find(host)?;
        let options = ModelOptions { ghost: Some(ghost), ..model.options() };
        let size = model.config.input_size;
        let cost = Cost::of(&model.graph(&options)?, size, size)?;
        assert_eq!((cost.params, cost.macs), (params, macs), "{host} s={ratio} d={cheap_kernel}");
    }
    Ok(())
}

#[test]
fn costs_equal_the_published_counts() -> Result<(), ocelli_nn::Error> {
    for &(name, size, params, macs) in PUBLISHED {
        let model = registry::find(name)?;
        let cost = Cost::of(&model.graph(&model.options())?, size, size)?;
        assert_eq!((cost.params, cost.macs), (params, macs), "{name} at {size}");
    }
    Ok(())
}

#[test]
fn tensorflow_padding_changes_no_count() -> Result<(), ocelli_nn::Error> {
    for variant in ["b0", "b1", "b2", "b3", "s", "m", "l", "xl"] {
        let count = |prefix: &str| {
            let model = registry::find(&format!("{prefix}efficientnetv2_{variant}"))?;
            Cost::of(&model.graph(&model.options())?, 224, 224).map(|c| (c.params, c.macs))
        };
        assert_eq!(count("")?, count("tf_")?, "{variant}");
    }
    Ok(())
}

#[test]
fn every_batch_norm_value_is_counted() -> Result<(), ocelli_nn::Error> {
    let model = registry::find("ghostnet_100")?;
    let cost = Cost::of(&model.graph(&model.options())?, 224, 224)?;
    assert_eq!(cost.macs + 2 * cost.norm_elements, 148_226_896);
    Ok(())
}

#[test]
fn each_block_of_ghostnet_costs_what_the_table_says() -> Result<(), ocelli_nn::Error> {
    const BLOCKS: [(&str, u64, u64); 16] = [
        ("blocks.0.0.", 464, 5_017_600),
        ("blocks.1.0.", 2_564, 12_681_984),
        ("blocks.2.0.", 2_352, 6_773_760),
        ("blocks.3.0.", 9_636, 7_632_768),
        ("blocks.4.0.", 13_672, 4_335_360),
        ("blocks.5.0.", 22_920, 7_683_200),
        ("blocks.6.0.", 17_820, 3_382_960),
        ("blocks.6.1.", 16_436, 3_117_968),
        ("blocks.6.2.", 16_436, 3_117_968),
        ("blocks.6.3.", 175_792, 11_566_304),
        ("blocks.6.4.", 306_992, 15_669_024),
        ("blocks.7.0.", 362_840, 12_702_368),
        ("blocks.8.0.", 160_880, 7_773_360),
        ("blocks.8.1.", 622_880, 8_234_160),
        ("blocks.8.2.", 160_880, 7_773_360),
        ("blocks.8.3.", 622_880, 8_234_160),
    ];
    let model = registry::find("ghostnet_100")?;
    let cost = Cost::of(&model.graph(&model.options())?, 224, 224)?;
    for (prefix, params, macs) in BLOCKS {
        let block = cost.layers.iter().filter(|layer| layer.name.starts_with(prefix));
        let sum = block.fold((0, 0), |sum, layer| (sum.0 + layer.params, sum.1 + layer.macs));
        assert_eq!(sum, (params, macs), "{prefix}");
    }
    Ok(())
}

/// Heads for ImageNet-21k, and parameters with running means and variances, as Keras counts them.
#[test]
fn large_heads_and_running_statistics_are_counted_as_published() -> Result<(), ocelli_nn::Error> {
    for (name, with_statistics, large_head) in [
        ("tf_efficientnetv2_b0", 7_200_312, None),
        ("tf_efficientnetv2_b1", 8_212_124, None),
        ("tf_efficientnetv2_b2", 10_178_374, None),
        ("tf_efficientnetv2_b3", 14_467_622, None),
        ("tf_efficientnetv2_s", 21_612_360, Some(48_158_371)),
        ("tf_efficientnetv2_m", 54_431_388, Some(80_839_239)),
        ("tf_efficientnetv2_l", 119_027_848, Some(145_215_155)),
        ("tf_efficientnetv2_xl", 208_896_832, Some(234_819_691)),
    ] {
        let model = registry::find(name)?;
        let graph = model.graph(&ModelOptions::default())?;
        let counts = |param: &&ParamSpec| param.role != Role::BatchCount;
        let all: usize = graph.params().iter().filter(counts).map(ParamSpec::len).sum();
        assert_eq!(all, with_statistics, "{name} with running statistics");
        if let Some(expected) = large_head {
            let options = ModelOptions { num_classes: 21_843, ..ModelOptions::default() };
            let cost = Cost::of(&model.graph(&options)?, 224, 224)?;
            assert_eq!(cost.params, expected, "{name} for 21,843 classes");
        }
    }
    Ok(())
}
