//! A stretch of network between two programs that can go silent: nothing arrives, nothing is
//! refused, and no connection ends.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context as _;

/// Bytes forwarded at once.
const CHUNK_LEN_BYTES: usize = 4096;

/// Forwards connections from its port to another one on this machine.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    air: Arc<Air>,
}

#[derive(Debug, Default)]
struct Air {
    silence: Mutex<Silence>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Silence {
    is_on: bool,
    /// Connections that began in it: the kernel took them, the network would not have.
    unanswered: Vec<TcpStream>,
}

impl Air {
    fn lock(&self) -> MutexGuard<'_, Silence> {
        self.silence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until_heard(&self) {
        let heard = self.changed.wait_while(self.lock(), |it| it.is_on);
        drop(heard.unwrap_or_else(PoisonError::into_inner));
    }

    /// A new connection, unless it begins in silence.
    fn answer(&self, connection: TcpStream) -> Option<TcpStream> {
        let mut silence = self.lock();
        if !silence.is_on {
            return Some(connection);
        }
        silence.unanswered.push(connection);
        None
    }
}

impl Proxy {
    /// Begins to forward to `port`.
    ///
    /// # Errors
    ///
    /// Fails where no port is free.
    pub fn start(port: u16) -> anyhow::Result<Self> {
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let port = listener.local_addr().context("no local address")?.port();
        let air = Arc::new(Air::default());
        let shared = Arc::clone(&air);
        // It ends with the test program; an idle listener does no harm until then.
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Some(near) = shared.answer(near) else { continue };
                // Nobody listens there: the connection ends, as if it had been refused.
                let Ok(far) = TcpStream::connect(target) else { continue };
                if let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) {
                    forward(near, far, &shared);
                    forward(far_too, near_too, &shared);
                }
            }
        });
        Ok(Self { port, air })
    }

    /// Its port on the loopback interface.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on nothing arrives on any connection, and new ones are not answered.
    pub fn fall_silent(&self) {
        self.air.lock().is_on = true;
    }

    /// What was on its way arrives, and so does what comes; connections that began in silence end.
    pub fn be_heard(&self) {
        *self.air.lock() = Silence::default();
        self.air.changed.notify_all();
    }
}

/// Forwards one direction of a connection until either end closes it.
fn forward(mut from: TcpStream, mut to: TcpStream, air: &Arc<Air>) {
    let air = Arc::clone(air);
    thread::spawn(move || {
        let mut chunk = [0; CHUNK_LEN_BYTES];
        while let Ok(len_bytes @ 1..) = from.read(&mut chunk) {
            air.wait_until_heard();
            let bytes = chunk.get(..len_bytes).unwrap_or_default();
            if to.write_all(bytes).is_err() {
                break;
            }
        }
        air.wait_until_heard();
        // The other direction may have closed it already.
        drop(to.shutdown(Shutdown::Both));
        drop(from.shutdown(Shutdown::Both));
    });
}
