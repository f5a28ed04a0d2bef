use super::*;
use crate::{
    init::Initializer,
    weights::{DType, WeightsError},
};

fn param(name: &str, shape: &[usize], role: Role) -> ParamSpec {
    let (name, shape) = (name.to_owned(), shape.to_vec());
    ParamSpec { name, shape, role, initializer: Initializer::Constant(0.0) }
}

fn dict(tensors: &[(&str, &[usize])]) -> Result<StateDict, WeightsError> {
    let mut dict = StateDict::new();
    for (name, shape) in tensors {
        let values = (0..shape.iter().product::<usize>()).map(|value| value as f32).collect();
        dict.push(TensorEntry::new(*name, DType::F32, shape, values)?)?;
    }
    Ok(dict)
}

#[test]
fn prefixes_of_wrappers_are_removed_however_many_there_are() -> Result<(), WeightsError> {
    let params = [param("a.weight", &[2], Role::Weight)];
    for name in ["a.weight", "module.a.weight", "module._orig_mod.a.weight"] {
        let fit = Fit::find(&params, &dict(&[(name, &[2])])?, None);
        assert!(matches!(fit.slots[0], Slot::Fits(_)), "{name}");
        assert_eq!(format!("{}a.weight", fit.location.prefix), name);
    }
    for asked in [None, Some("net.")] {
        let tensors = dict(&[("net.a.weight", &[2]), ("b", &[2]), ("net.c", &[2])])?;
        let fit = Fit::find(&params, &tensors, asked);
        assert!(matches!(fit.slots[0], Slot::Fits(_)));
        assert_eq!(
            (&fit.unexpected[..], &fit.beside[..]),
            (&["net.c".into()][..], &["b".into()][..])
        );
    }
    let fit = Fit::find(&params, &dict(&[("net.a.weight", &[2])])?, Some("module."));
    assert!(matches!(fit.slots[0], Slot::Missing), "as it was asked for");
    Ok(())
}

/// PyTorch's own example wraps the features of AlexNet and VGG alone; sharding wraps each block.
#[test]
fn wrappers_inside_names_are_seen_through() -> Result<(), WeightsError> {
    let params = [param("a.0.weight", &[2], Role::Weight), param("b.weight", &[3], Role::Weight)];
    for [first, second] in [
        ["a.module.0.weight", "b.weight"],
        ["net.a._fsdp_wrapped_module.0._checkpoint_wrapped_module.weight", "net.b.weight"],
        ["module.a._orig_mod.0.weight", "module.b._orig_mod.weight"],
    ] {
        let fit = Fit::find(&params, &dict(&[(first, &[2]), (second, &[3])])?, None);
        assert!(fit.slots.iter().all(|slot| matches!(slot, Slot::Fits(_))), "{first}");
        assert!(fit.unexpected.is_empty() && fit.beside.is_empty(), "{first}");
    }
    Ok(())
}

#[test]
fn of_equal_sections_and_prefixes_the_averaged_ones_come_first() -> Result<(), WeightsError> {
    let params = [param("a.weight", &[2], Role::Weight), param("b.weight", &[3], Role::Weight)];
    let both = |prefix: &str| [format!("{prefix}a.weight"), format!("{prefix}b.weight")];
    let names: Vec<String> = ["model.", "model_ema.module."].iter().flat_map(|p| both(p)).collect();
    let tensors: Vec<(&str, &[usize])> = names
        .iter()
        .zip([&[2][..], &[3]].repeat(2))
        .map(|(name, shape)| (&name[..], shape))
        .collect();
    let fit = Fit::find(&params, &dict(&tensors)?, None);
    assert_eq!(fit.location.prefix, "model_ema.module.");
    assert_eq!(
        fit.rivals.iter().map(|location| &location.prefix[..]).collect::<Vec<_>>(),
        ["model."]
    );
    // An average of a part is no network.
    let fit = Fit::find(&params, &dict(&tensors[..3])?, None);
    assert_eq!((&fit.location.prefix[..], fit.rivals.len()), ("model.", 0));
    Ok(())
}

#[test]
fn kernels_for_colours_are_summed_for_grey_images() -> Result<(), WeightsError> {
    let params = [param("stem.weight", &[2, 1, 1, 2], Role::Weight)];
    let fit = Fit::find(&params, &dict(&[("stem.weight", &[2, 3, 1, 2])])?, None);
    let values = fit.slots[0].values(TensorEntry::values)?;
    assert_eq!(values, Some(vec![0. + 2. + 4., 1. + 3. + 5., 6. + 8. + 10., 7. + 9. + 11.]));
    // Only the first kernel sees colours, and colours are three.
    let params = [param("a.weight", &[1], Role::Weight), params[0].clone()];
    let fit = Fit::find(&params, &dict(&[("stem.weight", &[2, 3, 1, 2])])?, None);
    assert!(matches!(fit.slots[1], Slot::MisShaped(_)));
    let fit = Fit::find(&params[1..], &dict(&[("stem.weight", &[2, 4, 1, 2])])?, None);
    assert!(matches!(fit.slots[0], Slot::MisShaped(_)));
    Ok(())
}

#[test]
fn counters_of_the_profiler_are_no_surprise() -> Result<(), WeightsError> {
    let params = [param("a.weight", &[2], Role::Weight)];
    let dict = dict(&[("a.weight", &[2]), ("total_ops", &[1]), ("a.total_params", &[1])])?;
    assert!(Fit::find(&params, &dict, None).unexpected.is_empty());
    Ok(())
}

#[test]
fn a_batch_count_may_be_absent_or_have_one_axis() -> Result<(), WeightsError> {
    let params = [
        param("a.weight", &[2], Role::Weight),
        param("n.num_batches_tracked", &[], Role::BatchCount),
    ];
    let fit = Fit::find(&params, &dict(&[("a.weight", &[2])])?, None);
    assert!(matches!(fit.slots[1], Slot::Optional));
    let with_axis = dict(&[("a.weight", &[2]), ("n.num_batches_tracked", &[1])])?;
    let fit = Fit::find(&params, &with_axis, None);
    let Slot::Fits(count) = &fit.slots[1] else { panic!("it fits") };
    assert_eq!(count.shape(), [0; 0]);
    Ok(())
}

#[test]
fn a_shape_that_only_has_as_many_values_does_not_fit() -> Result<(), WeightsError> {
    let params = [param("a.weight", &[2, 3], Role::Weight)];
    let fit = Fit::find(&params, &dict(&[("a.weight", &[3, 2])])?, None);
    let Slot::MisShaped(misfit) = &fit.slots[0] else { panic!("it does not fit") };
    assert_eq!((&misfit.file[..], &misfit.model[..]), (&[3, 2][..], &[2, 3][..]));
    Ok(())
}
