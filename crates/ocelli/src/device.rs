//! Which device computes: the name that is typed, and the device behind it.

use anyhow::anyhow;
use burn::tensor::Device;
use std::fmt;
use std::str::FromStr;

/// A kind of device that burn can drive, and whether this build can.
struct Kind {
    name: &'static str,
    /// The cargo feature that builds it in; none for what is always there.
    feature: Option<&'static str>,
    built_in: bool,
}

const KINDS: [Kind; 6] = [
    Kind { name: "cpu", feature: None, built_in: true },
    Kind { name: "cuda", feature: Some("cuda"), built_in: cfg!(feature = "cuda") },
    Kind { name: "rocm", feature: Some("rocm"), built_in: cfg!(feature = "rocm") },
    Kind { name: "metal", feature: Some("metal"), built_in: cfg!(feature = "metal") },
    Kind { name: "vulkan", feature: Some("vulkan"), built_in: cfg!(feature = "vulkan") },
    Kind { name: "wgpu", feature: Some("wgpu"), built_in: cfg!(feature = "wgpu") },
];

/// A device by name: `cpu`, `cuda:1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceName {
    kind: &'static str,
    index: usize,
}

impl Default for DeviceName {
    fn default() -> Self {
        Self { kind: "cpu", index: 0 }
    }
}

impl FromStr for DeviceName {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, index) = text.split_once(':').unwrap_or((text, "0"));
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            return Err(anyhow!("no such device; this build has {}", built_in().join(", ")));
        };
        if let (false, Some(feature)) = (kind.built_in, kind.feature) {
            return Err(anyhow!(
                "this build cannot use `{name}`, only {}; build with `--features {feature}`",
                built_in().join(", ")
            ));
        }
        let index =
            index.parse().map_err(|_| anyhow!("`{index}` is not the number of a device"))?;
        if kind.name == "cpu" && index > 0 {
            return Err(anyhow!("there is one cpu device; --threads sets its threads"));
        }
        Ok(Self { kind: kind.name, index })
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            "cpu" => formatter.write_str("cpu"),
            kind => write!(formatter, "{kind}:{}", self.index),
        }
    }
}

/// The devices of this build.
pub(crate) fn built_in() -> Vec<&'static str> {
    KINDS.iter().filter(|kind| kind.built_in).map(|kind| kind.name).collect()
}

impl DeviceName {
    /// The device behind the name, after one small computation on it.
    ///
    /// # Errors
    /// When there is no such device or its driver does not work.
    pub(crate) fn open(&self) -> anyhow::Result<Device> {
        let device = self.device();
        if self.kind != "cpu" {
            self.probe(&device)?;
        }
        Ok(device)
    }

    fn device(&self) -> Device {
        match self.kind {
            #[cfg(feature = "cuda")]
            "cuda" => Device::cuda(self.index),
            #[cfg(feature = "rocm")]
            "rocm" => Device::rocm(self.index),
            #[cfg(feature = "metal")]
            "metal" => Device::metal(self.graphics()),
            #[cfg(feature = "vulkan")]
            "vulkan" => Device::vulkan(self.graphics()),
            #[cfg(feature = "wgpu")]
            "wgpu" => Device::wgpu(self.graphics()),
            _ => Device::flex(),
        }
    }

    #[cfg(any(feature = "metal", feature = "vulkan", feature = "wgpu"))]
    fn graphics(&self) -> burn::tensor::DeviceKind {
        match self.index {
            0 => burn::tensor::DeviceKind::DefaultDevice,
            index => burn::tensor::DeviceKind::DiscreteGpu(index),
        }
    }

    /// Drivers report a missing device by panicking in the first computation.
    fn probe(&self, device: &Device) -> anyhow::Result<()> {
        use burn::tensor::Tensor;
        let compute = || Tensor::<1>::ones([1], device).add_scalar(1.0).into_data();
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(compute));
        std::panic::set_hook(quiet);
        result.map(drop).map_err(|_| {
            crate::failure::BadInput::new(format!("device {self} does not answer"))
                .hint("check its driver, or use --device cpu")
                .into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_is_always_there() {
        assert_eq!("cpu".parse::<DeviceName>().unwrap(), DeviceName::default());
        assert_eq!(DeviceName::default().to_string(), "cpu");
        assert!(DeviceName::default().open().is_ok());
    }

    #[test]
    fn a_device_that_cannot_be_is_refused_with_those_that_can() {
        let refuse = |text: &str| text.parse::<DeviceName>().unwrap_err().to_string();
        assert!(refuse("gpu").contains("this build has cpu"), "{}", refuse("gpu"));
        assert!(refuse("cpu:1").contains("--threads"));
        assert!(refuse("cpu:x").contains("not the number"));
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_device_that_is_not_built_in_names_its_feature() {
        let message = "cuda:0".parse::<DeviceName>().unwrap_err().to_string();
        assert!(message.contains("--features cuda"), "{message}");
    }
}
