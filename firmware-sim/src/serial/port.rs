//! One plugged-in pseudo-terminal: its controlling side, and the link under its stable name.
//!
//! ```text
//! what the other side set        what the controlling side sees of it
//! speed                          that speed
//! parity                         no parity bit, but whether one is checked, and whether it is odd
//! data bits                      always 8
//! ```

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::unistd::ttyname;
use rustix::termios::{ControlModes, InputModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::device::{LineSetting, Parity};

/// A pseudo-terminal that is plugged in; dropping it pulls it out.
#[derive(Debug)]
pub(super) struct Port {
    controller: OwnedFd,
    link: PathBuf,
}

impl Port {
    /// Makes a pseudo-terminal and links it to `link`; until a program sets it, it is set as the
    /// device is.
    pub(super) fn plug(link: &Path, setting: Option<LineSetting>) -> io::Result<Self> {
        let pair = openpty(None, None)?;
        let mut termios = tcgetattr(&pair.slave)?;
        termios.make_raw();
        if let Some(setting) = setting {
            set(&mut termios, setting)?;
        }
        tcsetattr(&pair.slave, OptionalActions::Now, &termios)?;
        let flags = OFlag::from_bits_retain(fcntl(&pair.master, FcntlArg::F_GETFL)?);
        fcntl(&pair.master, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        // A child process that holds the controlling side would keep the port plugged in.
        fcntl(&pair.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
        let terminal = ttyname(&pair.slave)?;
        if let Some(directory) = link.parent() {
            std::fs::create_dir_all(directory)?;
        }
        // A simulation that was killed leaves its links behind.
        match std::fs::remove_file(link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        std::os::unix::fs::symlink(terminal, link)?;
        Ok(Self { controller: pair.master, link: link.to_owned() })
    }

    /// Tells whether some program has the port open.
    pub(super) fn is_open(&self) -> bool {
        let mut watched = [PollFd::new(self.controller.as_fd(), PollFlags::empty())];
        let polled = poll(&mut watched, PollTimeout::ZERO);
        let [watched] = watched;
        let hung_up = watched.revents().is_some_and(|events| events.contains(PollFlags::POLLHUP));
        polled.is_ok() && !hung_up
    }

    /// How the other side set the port that the end of a device is set to `device`; what nobody can
    /// see of it is as with the device.
    pub(super) fn setting(&self, device: LineSetting) -> io::Result<LineSetting> {
        let termios = tcgetattr(&self.controller)?;
        let parity = if !termios.input_modes.contains(InputModes::INPCK) {
            Parity::None
        } else if termios.control_modes.contains(ControlModes::PARODD) {
            Parity::Odd
        } else {
            Parity::Even
        };
        Ok(LineSetting { baud: termios.output_speed(), parity, ..device })
    }

    /// Writes as much as the port takes now and returns how many bytes that is.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match nix::unistd::write(&self.controller, bytes) {
            Ok(n_bytes) => Ok(n_bytes),
            Err(nix::errno::Errno::EAGAIN) => Ok(0),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Reads what the other side wrote, at most one buffer full.
    pub(super) fn read(&self) -> Vec<u8> {
        let mut buffer = [0; 256];
        match nix::unistd::read(&self.controller, &mut buffer) {
            Ok(n_bytes) => buffer.get(..n_bytes).unwrap_or_default().to_vec(),
            // Nothing to read, or nobody on the other side.
            Err(_) => Vec::new(),
        }
    }
}

fn set(termios: &mut Termios, setting: LineSetting) -> io::Result<()> {
    termios.set_speed(setting.baud)?;
    termios.input_modes.set(InputModes::INPCK, setting.parity != Parity::None);
    termios.control_modes.set(ControlModes::PARODD, setting.parity == Parity::Odd);
    Ok(())
}

impl Drop for Port {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.link) {
            tracing::debug!(%error, "port link was already gone");
        }
    }
}
