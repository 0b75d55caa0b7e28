//! Where a webhook may go. A hub must not be made to knock, for a stranger, on doors of the network that
//! it stands in: in production only https to public addresses, looked up anew at every call; in a sandbox
//! also this machine, where developers listen.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use trade::card::Mode;

use crate::client::client;
use crate::problem::{Answer, Failure};

pub const URL_MAX: usize = 1_000;
/// Standard Webhooks: between 15 and 30 seconds.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// The address, if it may be told.
pub fn target(text: &str, mode: Mode) -> Answer<Url> {
    let refused = |why: &str| {
        Failure::bad("webhook-url").with("why", why).with("got", text.chars().take(200).collect::<String>())
    };
    if text.len() > URL_MAX {
        return Err(refused("long"));
    }
    let url: Url = text.trim().parse().map_err(|_| refused("form"))?;
    let host = url.host_str().ok_or_else(|| refused("form"))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(refused("form"));
    }
    // An IPv6 address stands in brackets.
    let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    let is_here = literal.map_or(host == "localhost", |ip| ip.is_loopback());
    match (url.scheme(), mode) {
        ("http", Mode::Sandbox) if is_here => Ok(url),
        ("https", Mode::Sandbox) => Ok(url),
        ("https", Mode::Production) if literal.is_none_or(is_public) && host != "localhost" => Ok(url),
        ("https", Mode::Production) => Err(refused("private")),
        _ => Err(refused("scheme")),
    }
}

/// What webhooks are sent with: it follows nobody elsewhere, and in production it finds no private address.
#[must_use]
pub fn sender(mode: Mode) -> Client {
    client(|with| {
        let with = with.timeout(PATIENCE).redirect(Policy::none()).no_proxy();
        match mode {
            Mode::Sandbox => with,
            Mode::Production => with.dns_resolver(PublicOnly),
        }
    })
}

/// Looks names up and keeps their public addresses.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|at| is_public(at.ip())).collect();
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address can be anybody's on the internet (IANA's special-purpose registries).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

const fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    // Shared (RFC 6598), protocol assignments, 6to4 relays, benchmarks, reserved; "this network".
    let special = a == 0
        || (a == 100 && b >= 64 && b < 128)
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240;
    !(special
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || ip.is_multicast()
        || ip.is_broadcast())
}

const fn is_public_v6(ip: Ipv6Addr) -> bool {
    let s = ip.segments();
    // Global unicast is 2000::/3; in it Teredo and other assignments, documentation, and 6to4.
    let global = s[0] & 0xe000 == 0x2000;
    let special =
        (s[0] == 0x2001 && (s[1] < 0x0200 || s[1] == 0x0db8)) || s[0] == 0x2002 || (s[0] == 0x3fff && s[1] < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, mode: Mode) -> Result<(), String> {
        target(url, mode).map(drop).map_err(|f| f.problem.args["why"].as_str().unwrap().to_owned())
    }

    #[test]
    fn production_tells_public_https_alone_and_a_sandbox_this_machine_too() {
        for (url, production, sandbox) in [
            ("https://shop.example/hooks", Ok(()), Ok(())),
            ("https://93.184.215.14/x", Ok(()), Ok(())),
            ("http://shop.example/hooks", Err("scheme"), Err("scheme")),
            ("http://127.0.0.1:9000/x", Err("scheme"), Ok(())),
            ("http://[::1]:9000/x", Err("scheme"), Ok(())),
            ("http://localhost:9000/x", Err("scheme"), Ok(())),
            ("https://localhost/x", Err("private"), Ok(())),
            ("https://10.0.0.1/x", Err("private"), Ok(())),
            ("https://169.254.169.254/latest", Err("private"), Ok(())),
            ("https://[::ffff:10.0.0.1]/x", Err("private"), Ok(())),
            ("https://[fd00::1]/x", Err("private"), Ok(())),
            // An address written as one number is read as an address.
            ("https://2130706433/x", Err("private"), Ok(())),
            ("ftp://shop.example/x", Err("scheme"), Err("scheme")),
            ("https://user:word@shop.example/x", Err("form"), Err("form")),
            ("https://shop.example/#x", Err("form"), Err("form")),
            ("shop.example", Err("form"), Err("form")),
            ("", Err("form"), Err("form")),
        ] {
            assert_eq!(check(url, Mode::Production), production.map_err(str::to_owned), "{url}");
            assert_eq!(check(url, Mode::Sandbox), sandbox.map_err(str::to_owned), "{url}");
        }
        let long = format!("https://shop.example/{}", "x".repeat(URL_MAX));
        assert_eq!(check(&long, Mode::Sandbox), Err("long".to_owned()));
    }

    #[test]
    fn addresses_that_are_nobodys_on_the_internet_are_known() {
        for ip in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.0.1",
            "172.16.0.1",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
            "::ffff:127.0.0.1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["1.1.1.1", "100.63.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "2400:3200::1"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[tokio::test]
    async fn in_production_a_name_is_found_by_its_public_addresses_alone() {
        let found = PublicOnly.resolve("localhost".parse().unwrap()).await;
        assert!(found.map_or(true, |mut addresses| addresses.next().is_none()));
    }
}
