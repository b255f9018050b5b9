use anteroom_stand_ins::{
    clerk::Clerk,
    liveblocks::Liveblocks,
    server::{Certificate, TLS_AUTHORITIES_FILE, TLS_AUTHORITY_FILE},
};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::net::TcpStream;

use super::{client, client_that_trusts};

#[tokio::test]
async fn records_what_it_was_asked() {
    let clerk = Clerk::start().await.expect("it starts");
    let url = format!("{}/v1/jwks?page=2", clerk.url());
    let request = client().post(url).header("x-test", "yes").body("hello");
    request.send().await.expect("an answer");

    let [request] = &clerk.requests()[..] else { panic!("one request was sent") };
    assert_eq!((request.method.as_str(), request.path()), ("POST", "/v1/jwks"));
    assert_eq!(request.path_and_query, "/v1/jwks?page=2");
    assert_eq!(request.query("page").as_deref(), Some("2"));
    assert_eq!(request.header("x-test"), Some("yes"));
    assert_eq!(&request.body[..], b"hello");
    assert_eq!(clerk.hits("POST", "/v1/jwks"), 1);
    assert_eq!(clerk.hits("GET", "/v1/jwks"), 0);

    clerk.forget_requests();
    assert!(clerk.requests().is_empty());
    assert_eq!(clerk.hits("POST", "/v1/jwks"), 0);
}

#[tokio::test]
async fn tells_other_languages_what_it_was_asked_without_the_keys() {
    let clerk = Clerk::start().await.expect("it starts");
    let key = clerk.secret_key();
    let jwks = client().get(format!("{}/v1/jwks", clerk.url())).bearer_auth(&key);
    jwks.send().await.expect("an answer");

    let list = client().get(format!("{}/dev/requests", clerk.url())).send().await;
    let list = list.expect("an answer").text().await.expect("text");
    assert_eq!(list, r#"[{"method":"GET","path":"/v1/jwks"}]"#);
}

#[tokio::test]
async fn comes_back_on_the_same_port_with_what_it_knew() {
    let liveblocks = Liveblocks::start().await.expect("it starts");
    liveblocks.rotate_secret_key("sk_dev_rotated");
    let (url, client) = (liveblocks.url(), client());
    client.get(&url).send().await.expect("an answer");

    liveblocks.stop().await;
    let error = client.get(&url).send().await.expect_err("nobody listens");
    assert!(error.is_connect(), "{error:?}");

    liveblocks.restart().await.expect("the port is free");
    client.get(&url).send().await.expect("an answer");
    assert_eq!(liveblocks.url(), url);
    assert_eq!(liveblocks.secret_key(), "sk_dev_rotated");
    assert_eq!(liveblocks.hits("GET", "/"), 2);
}

#[tokio::test]
async fn stops_when_it_is_dropped() {
    let clerk = Clerk::start().await.expect("it starts");
    let address = clerk.url().replace("http://", "");
    TcpStream::connect(&address).await.expect("it listens");
    drop(clerk);
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn refuses_a_port_that_is_taken() {
    let clerk = Clerk::start().await.expect("it starts");
    let port = clerk.url().rsplit(':').next().and_then(|port| port.parse().ok());
    let error = Liveblocks::start_on(port.expect("a port")).await.expect_err("taken");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn speaks_tls_to_those_who_trust_its_authority() {
    let clerk = Clerk::start_tls().await.expect("it starts");
    let url = format!("{}/dev/session-token?user=jane", clerk.url());
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let answer = client().get(&url).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let by_name = url.replace("127.0.0.1", "localhost");
    assert_eq!(client().get(by_name).send().await.expect("an answer").status(), 200);

    let trust = ("SSL_CERT_FILE".to_owned(), TLS_AUTHORITY_FILE.to_owned());
    assert!(clerk.settings().contains(&trust));

    let stranger = client_that_trusts(RootCertStore::empty());
    let error = stranger.get(&url).send().await.expect_err("nobody vouches for it");
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn presents_certificates_that_no_client_may_accept() {
    let clerk = Clerk::start_tls().await.expect("it starts");
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(TLS_AUTHORITIES_FILE).expect("a file") {
        roots.add(root.expect("a certificate")).expect("an authority");
    }
    let client = client_that_trusts(roots);
    for (certificate, why) in [
        (Certificate::Expired, "Expired"),
        (Certificate::OtherName, "NotValidForName"),
        (Certificate::Untrusted, "UnknownIssuer"),
    ] {
        clerk.present(certificate).await.expect("the same port");
        let error = client.get(clerk.url()).send().await.expect_err(why);
        assert!(format!("{error:?}").contains(why), "{error:?}");
    }
    clerk.present(Certificate::Valid).await.expect("the same port");
    client.get(clerk.url()).send().await.expect("an answer");
}
