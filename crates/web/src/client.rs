//! Requests out: to peers, to other nodes of this hub, to the sandbox's payment firm. Over TLS where
//! the address says https, by rustls, with the roots that the machine trusts.

use reqwest::{Certificate, Client, ClientBuilder};
use rustls::crypto::ring;

/// A client, set up further by `with`.
///
/// A machine that trusts no roots at all (Debian without `ca-certificates`) reaches http and, until
/// they are installed, nobody over https.
///
/// # Panics
/// If `with` asks for what a client cannot do.
#[must_use]
pub fn client(with: impl Fn(ClientBuilder) -> ClientBuilder) -> Client {
    // The process may have one already, which is as good.
    let _ = ring::default_provider().install_default();
    with(Client::builder())
        .build()
        .or_else(|_| with(Client::builder()).tls_certs_only(Vec::<Certificate>::new()).build())
        .expect("a client without roots needs nothing of the machine")
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn an_address_with_https_is_spoken_to_in_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let asked = tokio::spawn(async move { client(|with| with).get(url).send().await });
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut first = [0; 3];
        connection.read_exact(&mut first).await.unwrap();
        // A TLS record of the handshake, in the version that all write first.
        assert_eq!(first, [22, 3, 1]);
        drop(connection);
        assert!(asked.await.unwrap().is_err());
    }
}
