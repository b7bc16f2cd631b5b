//! Where the API listens: the same address at every start, so that kubeconfigs stay valid.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;

use super::super::failure::Failure;

/// In the data folder; it holds the address.
const FILE: &str = "listen";
/// Tried in order at the first start. They are below those that systems lend to outgoing connections, which could have
/// taken the port at a later start.
const FIRST_CHOICE: std::ops::RangeInclusive<u16> = 7443..=7499;

/// Where to listen, as far as somebody has said.
#[derive(Debug)]
pub(super) struct Address {
    file: PathBuf,
    wanted: Option<SocketAddr>,
    kept: Option<SocketAddr>,
}

impl Address {
    /// The wanted one, and the one that is kept in the data folder.
    pub(super) fn read(data: &Path, wanted: Option<SocketAddr>) -> Result<Self, Failure> {
        let file = data.join(FILE);
        Ok(Self { kept: kept(&file)?, file, wanted })
    }

    /// Whether somebody wants other machines to reach it.
    pub(super) fn is_beyond_loopback(&self) -> bool {
        self.wanted.or(self.kept).is_some_and(|address| !address.ip().is_loopback())
    }

    /// Listens where it is wanted, else where it was last, else at a free port of this machine alone; and keeps the
    /// address.
    pub(super) async fn listen(self) -> Result<TcpListener, Failure> {
        let Self { file, wanted, kept } = self;
        let listener = match (wanted, kept) {
            (Some(wanted), _) => TcpListener::bind(wanted).await.map_err(|error| {
                Failure::failed(format!(
                    "--listen {wanted}: cannot listen: {error}; name another port, or 0 for any free one"
                ))
            })?,
            (None, Some(kept)) => TcpListener::bind(kept).await.map_err(|error| taken(kept, &file, &error))?,
            (None, None) => first_free().await.map_err(|error| {
                Failure::failed(format!("no port of 127.0.0.1 is free: {error}; name one: --listen 127.0.0.1:PORT"))
            })?,
        };
        let address =
            listener.local_addr().map_err(|error| Failure::failed(format!("the socket has no address: {error}")))?;
        if kept != Some(address) {
            fs::write(&file, format!("{address}\n"))
                .map_err(|error| Failure::failed(format!("{}: cannot be written: {error}", file.display())))?;
        }
        Ok(listener)
    }
}

fn kept(file: &Path) -> Result<Option<SocketAddr>, Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::failed(format!("{}: cannot be read: {error}", file.display()))),
    };
    text.trim().parse().map(Some).map_err(|_| {
        Failure::failed(format!(
            "{}: expected the address of the API, such as 127.0.0.1:7443, found {:?}; remove the file, or start once with \
             --listen 127.0.0.1:PORT",
            file.display(),
            text.trim()
        ))
    })
}

fn taken(address: SocketAddr, file: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!(
        "the API was at {address} so far ({}) and cannot listen there: {error}. End what listens there (ss -ltnp), or start \
         once with --listen 127.0.0.1:PORT; the kubeconfig is then written anew, and copies of it have to be made again",
        file.display()
    ))
}

async fn first_free() -> io::Result<TcpListener> {
    for port in FIRST_CHOICE {
        if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
            return Ok(listener);
        }
    }
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn listen(data: &Path, wanted: Option<SocketAddr>) -> Result<TcpListener, Failure> {
        Address::read(data, wanted)?.listen().await
    }

    fn address_of(listener: &TcpListener) -> SocketAddr {
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn the_address_of_the_first_start_is_kept_unless_another_one_is_wanted() {
        let data = tempfile::tempdir().unwrap();
        let first = address_of(&listen(data.path(), None).await.unwrap());
        assert!(first.ip().is_loopback());
        assert_eq!(address_of(&listen(data.path(), None).await.unwrap()), first);
        let wanted = address_of(&listen(data.path(), Some((Ipv4Addr::LOCALHOST, 0).into())).await.unwrap());
        assert_ne!(wanted, first);
        assert_eq!(address_of(&listen(data.path(), None).await.unwrap()), wanted);
    }

    #[tokio::test]
    async fn a_taken_address_is_named_and_not_replaced() {
        let data = tempfile::tempdir().unwrap();
        let first = listen(data.path(), None).await.unwrap();
        let failure = listen(data.path(), None).await.unwrap_err();
        let message = failure.message().unwrap();
        assert!(message.contains(&address_of(&first).to_string()) && message.contains("--listen"), "{message}");
        let failure = listen(data.path(), Some(address_of(&first))).await.unwrap_err();
        assert!(failure.message().unwrap().starts_with("--listen 127.0.0.1:"), "{failure:?}");
    }

    #[tokio::test]
    async fn a_file_that_holds_no_address_is_named() {
        let data = tempfile::tempdir().unwrap();
        fs::write(data.path().join(FILE), "yes\n").unwrap();
        let failure = listen(data.path(), None).await.unwrap_err();
        assert!(failure.message().unwrap().contains("found \"yes\""), "{failure:?}");
    }

    #[test]
    fn other_machines_reach_it_once_somebody_wanted_that() {
        let data = tempfile::tempdir().unwrap();
        let is_beyond = |wanted: Option<&str>| {
            Address::read(data.path(), wanted.map(|text| text.parse().unwrap())).unwrap().is_beyond_loopback()
        };
        assert!(!is_beyond(None) && !is_beyond(Some("127.0.0.1:0")) && is_beyond(Some("0.0.0.0:7443")));
        fs::write(data.path().join(FILE), "0.0.0.0:7443\n").unwrap();
        assert!(is_beyond(None) && !is_beyond(Some("127.0.0.1:0")));
    }
}
