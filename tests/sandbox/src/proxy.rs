//! A proxy that speaks CONNECT, and servers with certificates behind it: for tests in which it is the only way out, since
//! the names that are asked for resolve nowhere.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// The longest head of a request to the proxy.
const HEAD: usize = 8 << 10;

/// An authority that makes servers' certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one, which nobody trusts yet.
    pub fn new(name: &str) -> io::Result<Self> {
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(io::Error::other)
    }

    /// One whose own certificate is that of a server, as `openssl req -x509` makes it.
    pub fn of_server(name: &str) -> io::Result<Self> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(io::Error::other)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        CertifiedIssuer::self_signed(params, key).map(Self).map_err(io::Error::other)
    }

    /// Its certificate, for whoever is to trust it (PEM).
    #[must_use]
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// TLS for the server of this name, with a certificate of this authority.
    pub fn server(&self, name: &str) -> io::Result<Arc<ServerConfig>> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = CertificateParams::new(vec![name.to_owned()]).map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.0).map_err(io::Error::other)?;
        config(certificate.der().clone(), &key)
    }

    /// TLS with the authority's own certificate.
    pub fn itself(&self) -> io::Result<Arc<ServerConfig>> {
        config(self.0.der().clone(), self.0.key())
    }
}

fn config(
    certificate: rustls::pki_types::CertificateDer<'static>,
    key: &KeyPair,
) -> io::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

type Route = Box<dyn Fn(&str) -> Option<SocketAddr> + Send + Sync>;

/// A running proxy on loopback. Dropped, it stops.
pub struct Proxy {
    address: SocketAddr,
    inner: Arc<Inner>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Inner {
    authority: Authority,
    route: Route,
    asked: Mutex<Vec<String>>,
}

impl Proxy {
    /// Starts a proxy that leads to where `route` says for a name, over TLS; to other names there is no way.
    pub fn start(route: impl Fn(&str) -> Option<SocketAddr> + Send + Sync + 'static) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let authority = Authority::new("authority of the proxy's servers")?;
        let inner = Arc::new(Inner { authority, route: Box::new(route), asked: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serving = inner.clone();
        let thread = std::thread::Builder::new().name("regcred-proxy".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = serve(listener, serving) => {}
                    // The sender is dropped with the proxy: that is the signal.
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, inner, stop: Some(stop), thread: Some(thread) })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the authority that vouches for every server behind it (PEM).
    #[must_use]
    pub fn authority(&self) -> String {
        self.inner.authority.pem()
    }

    /// What it was asked so far: the first line of each request to it, without the version.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.inner.asked().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic has been printed by its own thread.
            thread.join().ok();
        }
    }
}

impl Inner {
    fn asked(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listener: StdListener, inner: Arc<Inner>) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let inner = inner.clone();
        tokio::spawn(async move { connection(stream, &inner).await.ok() });
    }
}

async fn connection(mut client: TcpStream, inner: &Inner) -> io::Result<()> {
    let head = head(&mut client).await?;
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    inner.asked().push(line.clone());
    let host = line.strip_prefix("CONNECT ").and_then(|target| target.rsplit_once(':')).map(|(host, _)| host);
    let Some((host, address)) = host.and_then(|host| Some((host, (inner.route)(host)?))) else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").await;
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    let tls = TlsAcceptor::from(inner.authority.server(host)?);
    let mut client = tls.accept(client).await?;
    let mut server = TcpStream::connect(address).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// A request's head. Nothing is sent behind it before it is answered.
async fn head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err(io::Error::other("the head is too long"));
        }
        head.push(client.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}
