//! The errors that BlueZ answers, by name and text.

/// A D-Bus error: what a call is answered when it fails.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The error's D-Bus name, for example `org.bluez.Error.Failed`.
    pub name: String,
    /// The text that goes with it.
    pub message: String,
}

impl Failure {
    /// Makes an error of the given name and text.
    pub fn new(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { name: name.into(), message: message.into() }
    }

    /// `org.bluez.Error.Failed`, BlueZ's catch-all.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new("org.bluez.Error.Failed", message)
    }

    /// What `Connect` answers when the link could not be made or was lost while it was made.
    #[must_use]
    pub fn connection_aborted() -> Self {
        Self::failed("le-connection-abort-by-local")
    }

    pub(crate) fn not_connected() -> Self {
        Self::failed("Not connected")
    }

    pub(crate) fn in_progress() -> Self {
        Self::new("org.bluez.Error.InProgress", "Operation already in progress")
    }

    pub(crate) fn not_ready() -> Self {
        Self::new("org.bluez.Error.NotReady", "Resource Not Ready")
    }

    pub(crate) fn does_not_exist() -> Self {
        Self::new("org.bluez.Error.DoesNotExist", "Does Not Exist")
    }

    pub(crate) fn already_exists() -> Self {
        Self::new("org.bluez.Error.AlreadyExists", "Already Exists")
    }

    pub(crate) fn invalid_arguments() -> Self {
        Self::new("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
    }

    pub(crate) fn not_permitted(message: &str) -> Self {
        Self::new("org.bluez.Error.NotPermitted", message)
    }

    pub(crate) fn not_supported() -> Self {
        Self::new("org.bluez.Error.NotSupported", "Operation is not supported")
    }

    pub(crate) fn authentication(outcome: &str) -> Self {
        Self::new(
            format!("org.bluez.Error.Authentication{outcome}"),
            format!("Authentication {outcome}"),
        )
    }

    /// What `Pair` answers when the device cannot be connected.
    pub(crate) fn connection_attempt_failed() -> Self {
        Self::new("org.bluez.Error.ConnectionAttemptFailed", "Page Timeout")
    }

    pub(crate) fn unknown_object(path: &str) -> Self {
        Self::new("org.freedesktop.DBus.Error.UnknownObject", format!("no object at {path}"))
    }

    pub(crate) fn unknown_method(interface: &str, member: &str) -> Self {
        Self::new(
            "org.freedesktop.DBus.Error.UnknownMethod",
            format!("method {member} of {interface} does not exist here"),
        )
    }
}
