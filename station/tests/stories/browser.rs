//! Just enough of a browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::hub::PATIENCE;

/// Status and body of a page.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    exchange(address, &request)
}

/// Status of a form.
pub(crate) fn post(address: SocketAddr, origin: &str, path: &str, form: &str) -> u16 {
    let request = format!(
        "POST {path} HTTP/1.0\r\nHost: {address}\r\nOrigin: {origin}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    exchange(address, &request).0
}

fn exchange(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = connect(address);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
    (status, body.to_owned())
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// An open page: the boards that the station pushes.
#[derive(Debug)]
pub(crate) struct Events {
    lines: std::io::Lines<BufReader<TcpStream>>,
}

impl Events {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let mut stream = connect(address);
        let request = format!("GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Self { lines: BufReader::new(stream).lines() }
    }

    /// Returns when a board with `text` in it has come.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !self.board().contains(text) {}
    }

    /// Returns when a board without `text` in it has come.
    pub(crate) fn wait_for_absence(&mut self, text: &str) {
        while self.board().contains(text) {}
    }

    fn board(&mut self) -> String {
        loop {
            let line = self.lines.next().expect("the stream goes on").unwrap();
            if let Some(board) = line.strip_prefix("data: ")
                && board != "alive"
            {
                return board.to_owned();
            }
        }
    }
}
