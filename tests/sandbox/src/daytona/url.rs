//! Which urls the server takes, and how it stores them.

/// Anything that contains `docker.io` is stored as that, unless the server is an old one; of all else only the slashes at
/// the end go.
pub(crate) fn stored(url: &str, as_it_is: bool) -> String {
    if !as_it_is && url.to_lowercase().contains("docker.io") {
        "docker.io".to_owned()
    } else {
        url.trim_end_matches('/').to_owned()
    }
}

/// Whether `class-validator`'s `IsUrl` takes it: an optional scheme, then a host with a top-level domain, or an address,
/// and possibly a port.
pub(crate) fn is_url(url: &str) -> bool {
    if url.is_empty() || url.contains(char::is_whitespace) || url.starts_with("//") {
        return false;
    }
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if ["http", "https", "ftp"].contains(&scheme.to_lowercase().as_str()) => rest,
        Some(_) => return false,
        None => url,
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // A user may stand before the host.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if let Some((address, port)) = authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok() && (port.is_empty() || is_port(&port[1..]));
    }
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    port.is_none_or(is_port) && (host.parse::<std::net::Ipv4Addr>().is_ok() || is_domain(host))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

fn is_domain(host: &str) -> bool {
    let labels: Vec<&str> = host.split('.').collect();
    let [.., _, top] = labels.as_slice() else { return false };
    let letters = top.len() >= 2 && top.bytes().all(|byte| byte.is_ascii_alphabetic());
    let sound = |label: &&str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (1..=63).contains(&label.len()) && inner && !label.starts_with('-') && !label.ends_with('-')
    };
    (letters || top.starts_with("xn--")) && labels.iter().all(sound)
}
