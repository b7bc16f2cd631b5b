//! A proxy for plain HTTP that counts requests by method and passes everything on.

mod api;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

pub use api::CountedApi;

type Counts = Arc<Mutex<BTreeMap<String, usize>>>;

/// A proxy; it ends with the process.
pub struct Counting {
    pub address: SocketAddr,
    counts: Counts,
}

impl Counting {
    /// In front of the server at this address.
    pub fn before(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, counts, server) = (listener.local_addr().unwrap(), Counts::default(), server.to_owned());
        let counted = counts.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (counts, server) = (counted.clone(), server.clone());
                thread::spawn(move || pass_on(client, &server, &counts));
            }
        });
        Self { address, counts }
    }

    pub fn count(&self, method: &str) -> usize {
        self.counts.lock().unwrap().get(method).copied().unwrap_or_default()
    }

    /// Requests that may change something.
    pub fn mutating(&self) -> usize {
        let counts = self.counts.lock().unwrap();
        counts
            .iter()
            .filter(|(method, _)| !["GET", "HEAD", "OPTIONS"].contains(&method.as_str()))
            .map(|(_, count)| count)
            .sum()
    }
}

fn pass_on(mut client: TcpStream, server: &str, counts: &Counts) {
    let Ok(mut upstream) = TcpStream::connect(server) else { return };
    let (mut back, mut from) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    thread::spawn(move || {
        drop(std::io::copy(&mut from, &mut back));
        drop(back.shutdown(Shutdown::Both));
    });
    let mut buffer = vec![0; 65_536];
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        // One request at a time comes over a connection of HTTP/1.1, and a body has no line that ends like this.
        for line in String::from_utf8_lossy(&buffer[..read]).lines() {
            if let Some(method) = line.strip_suffix(" HTTP/1.1").and_then(|line| line.split(' ').next()) {
                *counts.lock().unwrap().entry(method.to_owned()).or_default() += 1;
            }
        }
        if upstream.write_all(&buffer[..read]).is_err() {
            return;
        }
    }
    drop(upstream.shutdown(Shutdown::Both));
}
