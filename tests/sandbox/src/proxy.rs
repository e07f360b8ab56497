//! A proxy that speaks CONNECT, and servers with certificates behind it: for tests in which it is the only way out, since
//! the names that are asked for resolve nowhere.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WantsServerCert;
use rustls::sign::{CertifiedKey, SigningKey, SingleCertAndKey};
use rustls::{ConfigBuilder, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

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
    pub fn server(&self, name: &str) -> io::Result<Identity> {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let params = CertificateParams::new(vec![name.to_owned()]).map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &self.0).map_err(io::Error::other)?;
        identity(&certificate, &key)
    }

    /// TLS with the authority's own certificate.
    pub fn itself(&self) -> io::Result<Identity> {
        identity(self.0.as_ref(), self.0.key())
    }
}

/// A certificate and its key, as a server uses them.
pub struct Identity {
    config: Arc<ServerConfig>,
    pem: String,
}

impl Identity {
    /// A certificate (PEM), and a key that signs in its own way.
    pub fn with_key(pem: &str, key: Arc<dyn SigningKey>) -> io::Result<Self> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(io::Error::other)?;
        let certified = SingleCertAndKey::from(CertifiedKey::new(vec![certificate], key));
        let config = builder()?.with_cert_resolver(Arc::new(certified));
        Ok(Self { config: Arc::new(config), pem: pem.to_owned() })
    }
}

fn builder() -> io::Result<ConfigBuilder<ServerConfig, WantsServerCert>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(io::Error::other)?.with_no_client_auth())
}

fn identity(certificate: &Certificate, key: &KeyPair) -> io::Result<Identity> {
    let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = builder()?.with_single_cert(vec![certificate.der().clone()], private);
    let config = config.map_err(io::Error::other)?;
    Ok(Identity { config: Arc::new(config), pem: certificate.pem() })
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
        let address = listener.local_addr()?;
        let authority = Authority::new("authority of the proxy's servers")?;
        let inner = Arc::new(Inner { authority, route: Box::new(route), asked: Mutex::default() });
        let serving = inner.clone();
        let (stop, thread) = run("regcred-proxy", listener, move |stream| {
            let inner = serving.clone();
            async move { connection(stream, &inner).await }
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
        // A panic has been printed by its own thread.
        self.thread.take().map(JoinHandle::join);
    }
}

impl Inner {
    fn asked(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A server with TLS on loopback that answers everything with 200, or stands before one without TLS. Dropped, it stops.
pub struct TlsServer {
    address: SocketAddr,
    pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsServer {
    /// Starts it with a certificate.
    pub fn start(identity: Identity) -> io::Result<Self> {
        Self::with(identity, |mut stream| async move {
            head(&mut stream).await?;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await?;
            stream.shutdown().await
        })
    }

    /// Starts it with a certificate before the server at an address.
    pub fn before(identity: Identity, server: SocketAddr) -> io::Result<Self> {
        Self::with(identity, move |mut stream| async move {
            let mut server = TcpStream::connect(server).await?;
            server.set_nodelay(true)?;
            copy_bidirectional(&mut stream, &mut server).await.map(drop)
        })
    }

    fn with<F>(
        Identity { config, pem }: Identity,
        each: impl Fn(TlsStream<TcpStream>) -> F + Clone + Send + Sync + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let tls = TlsAcceptor::from(config);
        let (stop, thread) = run("regcred-tls", listener, move |stream| {
            let (tls, each) = (tls.clone(), each.clone());
            async move { each(tls.accept(stream).await?).await }
        })?;
        Ok(Self { address, pem, stop: Some(stop), thread: Some(thread) })
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its certificate (PEM).
    #[must_use]
    pub fn pem(&self) -> String {
        self.pem.clone()
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic has been printed by its own thread.
        self.thread.take().map(JoinHandle::join);
    }
}

/// TLS before each of several servers, under the name `localhost`: for clients that speak nothing else, and to measure what it
/// costs. Dropped, they stop.
pub struct Fronts {
    authority: Authority,
    servers: Vec<(SocketAddr, TlsServer)>,
}

impl Fronts {
    /// Starts one before each address.
    pub(crate) fn before(addresses: impl Iterator<Item = SocketAddr>) -> io::Result<Self> {
        let authority = Authority::new("authority of the sandbox's servers")?;
        let front = |address| Ok((address, TlsServer::before(authority.server("localhost")?, address)?));
        let servers = addresses.map(front).collect::<io::Result<_>>()?;
        Ok(Self { authority, servers })
    }

    /// The certificate of the authority that vouches for them (PEM).
    #[must_use]
    pub fn authority(&self) -> String {
        self.authority.pem()
    }

    /// The same text, with the addresses of the fronts for those of the servers.
    #[must_use]
    pub fn told(&self, text: &str) -> String {
        self.servers.iter().fold(text.to_owned(), |text, (behind, front)| {
            text.replace(&format!("http://{behind}"), &format!("https://localhost:{}", front.address.port()))
        })
    }
}

/// Serves each connection on a thread and runtime of their own, until the sender is dropped.
fn run<F>(
    name: &str,
    listener: StdListener,
    each: impl Fn(TcpStream) -> F + Send + 'static,
) -> io::Result<(oneshot::Sender<()>, JoinHandle<()>)>
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let (stop, stopped) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let serve = async move {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        while let Ok((stream, _)) = listener.accept().await {
            // Else Nagle and delayed acknowledgements add 40 ms to an answer.
            stream.set_nodelay(true).ok();
            tokio::spawn(each(stream));
        }
    };
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                () = serve => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok((stop, thread))
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
    let tls = TlsAcceptor::from(inner.authority.server(host)?.config);
    let mut client = tls.accept(client).await?;
    let mut server = TcpStream::connect(address).await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// A request's head. Nothing is sent behind it before it is answered.
async fn head(client: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err(io::Error::other("the head is too long"));
        }
        head.push(client.read_u8().await?);
    }
    String::from_utf8(head).map_err(io::Error::other)
}
