//! The networks, one file a family.

pub mod efficientnetv2;
pub mod ghostnet;
pub mod mobilenetv2;
pub mod resnet;
pub mod resnet_cifar;
pub mod vgg;
