//! Object paths of `org.bluez`: which object a path means.
//!
//! ```text
//! /org/bluez                                                    agents
//! /org/bluez/hci0                                               adapter
//! /org/bluez/hci0/dev_AA_BB_CC_DD_EE_FF                         device
//! /org/bluez/hci0/dev_.../service0010                           service, handle in hexadecimal
//! /org/bluez/hci0/dev_.../service0010/char0011                  characteristic
//! /org/bluez/hci0/dev_.../service0010/char0011/desc0013         descriptor
//! ```

use std::fmt;

use crate::gatt::{Address, Handle};

/// An object of the daemon, or a node on the way to one.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Node {
    Root,
    Org,
    Bluez,
    Adapter,
    Device(Address),
    Service(Address, Handle),
    Characteristic(Address, Handle, Handle),
    Descriptor(Address, Handle, Handle, Handle),
}

impl fmt::Display for Node {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Root => out.write_str("/"),
            Self::Org => out.write_str("/org"),
            Self::Bluez => out.write_str("/org/bluez"),
            Self::Adapter => out.write_str("/org/bluez/hci0"),
            Self::Device(address) => {
                let segment = address.to_string().replace(':', "_");
                write!(out, "{}/dev_{segment}", Self::Adapter)
            }
            Self::Service(address, service) => {
                write!(out, "{}/service{service:04x}", Self::Device(address))
            }
            Self::Characteristic(address, service, characteristic) => {
                write!(out, "{}/char{characteristic:04x}", Self::Service(address, service))
            }
            Self::Descriptor(address, service, characteristic, descriptor) => {
                let parent = Self::Characteristic(address, service, characteristic);
                write!(out, "{parent}/desc{descriptor:04x}")
            }
        }
    }
}

impl Node {
    /// Finds what a path means; `None` if it cannot be an object of the daemon.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        match path {
            "/" => return Some(Self::Root),
            "/org" => return Some(Self::Org),
            "/org/bluez" => return Some(Self::Bluez),
            _ => {}
        }
        let mut segments = path.strip_prefix("/org/bluez/")?.split('/');
        if segments.next()? != "hci0" {
            return None;
        }
        let mut node = Self::Adapter;
        for segment in segments {
            node = match node {
                Self::Adapter => {
                    let address = segment.strip_prefix("dev_")?.replace('_', ":");
                    Self::Device(address.parse().ok()?)
                }
                Self::Device(address) => Self::Service(address, handle(segment, "service")?),
                Self::Service(address, service) => {
                    Self::Characteristic(address, service, handle(segment, "char")?)
                }
                Self::Characteristic(address, service, characteristic) => {
                    let descriptor = handle(segment, "desc")?;
                    Self::Descriptor(address, service, characteristic, descriptor)
                }
                Self::Root | Self::Org | Self::Bluez | Self::Descriptor(..) => return None,
            };
        }
        Some(node)
    }

    /// Returns the device that the object is or belongs to.
    pub(crate) fn device(self) -> Option<Address> {
        match self {
            Self::Root | Self::Org | Self::Bluez | Self::Adapter => None,
            Self::Device(address)
            | Self::Service(address, _)
            | Self::Characteristic(address, _, _)
            | Self::Descriptor(address, _, _, _) => Some(address),
        }
    }
}

fn handle(segment: &str, prefix: &str) -> Option<Handle> {
    Handle::from_str_radix(segment.strip_prefix(prefix)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str) {
        assert_eq!(Node::parse(path).map(|node| node.to_string()), Some(path.to_owned()));
    }

    #[test]
    fn every_depth_reads_as_it_is_written() {
        check("/");
        check("/org/bluez");
        check("/org/bluez/hci0");
        check("/org/bluez/hci0/dev_00_09_1F_8A_01_02");
        check("/org/bluez/hci0/dev_00_09_1F_8A_01_02/service0010");
        check("/org/bluez/hci0/dev_00_09_1F_8A_01_02/service0010/char0011");
        check("/org/bluez/hci0/dev_00_09_1F_8A_01_02/service0010/char0011/desc0013");
    }

    #[test]
    fn another_adapter_is_unknown() {
        assert_eq!(Node::parse("/org/bluez/hci1"), None);
    }

    #[test]
    fn nothing_is_below_a_descriptor() {
        let path = "/org/bluez/hci0/dev_00_09_1F_8A_01_02/service0010/char0011/desc0013/more";
        assert_eq!(Node::parse(path), None);
    }
}
