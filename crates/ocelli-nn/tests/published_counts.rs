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
    ("efficientnetv2_rw_t", 288, 13_649_388, 3_159_953_120),
    ("efficientnetv2_rw_s", 384, 23_941_296, 8_640_282_112),
    ("efficientnetv2_rw_m", 416, 53_236_442, 21_332_303_888),
    ("efficientnetv2_small_cifar", 32, 446_652, 25_040_512),
    ("resnet18", 224, 11_689_512, 1_814_073_344),
    ("resnet34", 224, 21_797_672, 3_663_761_408),
    ("resnet50", 224, 25_557_032, 4_089_184_256),
    ("resnet56_cifar", 32, 853_018, 125_485_696),
    ("mobilenetv2_100", 224, 3_504_872, 300_774_272),
    ("mobilenetv2_cifar", 32, 2_236_682, 87_976_448),
    ("mobilenetv2_small", 32, 308_554, 20_638_976),
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
        let cost = Cost::new(&model.graph(&options)?, size, size)?;
        assert_eq!((cost.params, cost.macs), (params, macs), "{host} s={ratio} d={cheap_kernel}");
    }
    Ok(())
}

#[test]
fn costs_equal_the_published_counts() -> Result<(), ocelli_nn::Error> {
    for &(name, size, params, macs) in PUBLISHED {
        let model = registry::find(name)?;
        let cost = Cost::new(&model.graph(&model.options())?, size, size)?;
        assert_eq!((cost.params, cost.macs), (params, macs), "{name} at {size}");
    }
    Ok(())
}

#[test]
fn resnet18_for_small_images_has_the_published_count() -> Result<(), ocelli_nn::Error> {
    let model = registry::find("resnet18")?;
    let options = ModelOptions { num_classes: 10, small_input: true, ..model.options() };
    assert_eq!(Cost::new(&model.graph(&options)?, 32, 32)?.params, 11_173_962);
    Ok(())
}

/// Model, image size, multiply-adds, those and one for each normalised value, learnt tensors.
const SIZES: &[(&str, usize, u64, u64, usize)] = &[
    ("b0", 192, 528_186_752, 531_683_072, 243),
    ("b0", 224, 718_086_176, 722_845_056, 243),
    ("b1", 192, 747_003_008, 751_577_600, 297),
    ("b1", 224, 1_015_859_232, 1_022_085_760, 297),
    ("b1", 240, 1_196_819_360, 1_204_138_528, 297),
    ("b2", 208, 1_043_476_528, 1_049_455_968, 310),
    ("b2", 224, 1_168_830_832, 1_175_556_768, 310),
    ("b2", 260, 1_697_542_832, 1_707_360_552, 310),
    ("b3", 224, 1_609_978_624, 1_618_383_888, 362),
    ("b3", 240, 1_908_036_640, 1_917_962_680, 362),
    ("b3", 300, 3_011_458_816, 3_027_169_008, 362),
    ("s", 224, 2_849_895_872, 2_862_054_144, 452),
    ("s", 300, 5_307_561_248, 5_330_259_456, 452),
    ("s", 384, 8_365_617_152, 8_401_347_584, 452),
    ("m", 224, 5_362_207_200, 5_381_757_024, 649),
    ("m", 384, 15_736_775_680, 15_794_228_224, 649),
    ("m", 480, 24_582_460_384, 24_672_229_984, 649),
    ("l", 224, 12_231_188_544, 12_265_568_512, 897),
    ("l", 384, 35_899_418_624, 36_000_453_632, 897),
    ("l", 480, 56_079_699_008, 56_237_566_208, 897),
    ("xl", 224, 17_901_587_200, 17_948_890_624, 1156),
    ("xl", 384, 52_529_254_400, 52_668_268_544, 1156),
    ("xl", 512, 93_353_451_520, 93_600_587_776, 1156),
    ("rw_t", 224, 1_912_879_840, 1_922_794_304, 439),
    ("rw_t", 288, 3_159_953_120, 3_176_342_336, 439),
    ("rw_s", 224, 2_943_930_112, 2_956_859_056, 458),
    ("rw_s", 288, 4_862_701_312, 4_884_073_648, 458),
    ("rw_s", 384, 8_640_282_112, 8_678_277_376, 458),
    ("rw_m", 320, 12_627_417_344, 12_674_490_144, 697),
    ("rw_m", 416, 21_332_303_888, 21_411_856_920, 697),
];

#[test]
fn efficientnetv2_costs_what_is_published_at_every_common_size() -> Result<(), ocelli_nn::Error> {
    for &(variant, size, macs, with_norms, learnt) in SIZES {
        let graph =
            registry::find(&format!("efficientnetv2_{variant}"))?.graph(&ModelOptions::default())?;
        let cost = Cost::new(&graph, size, size)?;
        assert_eq!((cost.macs, cost.macs + cost.norm_elements), (macs, with_norms), "{variant}");
        let count = graph.params().iter().filter(|param| param.role.is_learnt()).count();
        assert_eq!(count, learnt, "{variant}: learnt tensors");
    }
    Ok(())
}

/// The network of the first version of the paper, whose S has 24 million parameters.
#[test]
fn the_s_before_the_release_is_a_table_away() -> Result<(), ocelli_nn::Error> {
    let model = registry::find("efficientnetv2_s")?;
    let mut layout = model.layout(&model.options())?.unwrap_or_default();
    layout.head = 1792;
    if let Some(last) = layout.stages.last_mut() {
        last.channels = 272;
    }
    let options = ModelOptions { layout: Some(layout), ..ModelOptions::default() };
    let graph = registry::find("efficientnetv2")?.graph(&options)?;
    let cost = Cost::new(&graph, 384, 384)?;
    assert_eq!((cost.params, cost.macs), (23_940_048, 8_597_814_784));
    assert_eq!(cost.macs + cost.norm_elements, 8_634_040_576);
    Ok(())
}

#[test]
fn tensorflow_padding_changes_no_count() -> Result<(), ocelli_nn::Error> {
    for variant in ["b0", "b1", "b2", "b3", "s", "m", "l", "xl"] {
        let count = |prefix: &str| {
            let model = registry::find(&format!("{prefix}efficientnetv2_{variant}"))?;
            Cost::new(&model.graph(&model.options())?, 224, 224).map(|c| (c.params, c.macs))
        };
        assert_eq!(count("")?, count("tf_")?, "{variant}");
    }
    Ok(())
}

#[test]
fn every_batch_norm_value_is_counted() -> Result<(), ocelli_nn::Error> {
    for (width, expected) in [
        ("050", 45_866_344),
        ("100", 148_226_896),
        ("110", 174_662_224),
        ("130", 236_178_408),
        ("150", 308_360_216),
    ] {
        let model = registry::find(&format!("ghostnet_{width}"))?;
        let graph = model.graph(&model.options())?;
        let cost = Cost::new(&graph, 224, 224)?;
        assert_eq!(cost.macs + 2 * cost.norm_elements, expected, "{width}");
        let learnt = graph.params().iter().filter(|param| param.role.is_learnt()).count();
        assert_eq!((learnt, graph.params().len()), (272, 512), "{width}");
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
        ("efficientnetv2_rw_t", 13_768_412, None),
        ("efficientnetv2_rw_s", 24_102_144, None),
        ("efficientnetv2_rw_m", 53_543_674, None),
    ] {
        let model = registry::find(name)?;
        let graph = model.graph(&ModelOptions::default())?;
        let counts = |param: &&ParamSpec| param.role != Role::BatchCount;
        let all: usize = graph.params().iter().filter(counts).map(ParamSpec::len).sum();
        assert_eq!(all, with_statistics, "{name} with running statistics");
        if let Some(expected) = large_head {
            let options = ModelOptions { num_classes: 21_843, ..ModelOptions::default() };
            let cost = Cost::new(&model.graph(&options)?, 224, 224)?;
            assert_eq!(cost.params, expected, "{name} for 21,843 classes");
        }
    }
    Ok(())
}
