//! One plugged-in pseudo-terminal: its controlling side, and the link under its stable name.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::ttyname;

/// A pseudo-terminal that is plugged in; dropping it pulls it out.
#[derive(Debug)]
pub(super) struct Port {
    controller: OwnedFd,
    link: PathBuf,
}

impl Port {
    /// Makes a pseudo-terminal and links it to `link`.
    pub(super) fn plug(link: &Path) -> io::Result<Self> {
        let pair = openpty(None, None)?;
        let mut settings = tcgetattr(&pair.slave)?;
        cfmakeraw(&mut settings);
        tcsetattr(&pair.slave, SetArg::TCSANOW, &settings)?;
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

impl Drop for Port {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.link) {
            tracing::debug!(%error, "port link was already gone");
        }
    }
}
