//! The provider calls of a function's start, on the crates that the functions use, and nothing else: no
//! settings, no checks, no log. After the calls, it responds to every event with 200.
//!
//! The arguments say which calls, all made at the same time: `secret <id>`, `get <url>`, or
//! `connect <url>`, which only opens a connection.

#![allow(clippy::disallowed_methods, reason = "it uses none of the functions' code")]

use std::env;
use std::sync::Arc;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region, SharedAsyncSleep};
use aws_sdk_secretsmanager::{Client as SecretsManager, Config};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::Uri;
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::{Client, connect};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CipherSuite, ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

type Connector = HttpsConnector<connect::HttpConnector>;

type Http = Client<Connector, Full<Bytes>>;

/// A connection that has been opened. It stays open for requests to come.
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let connector = connector()?;
    let http = Client::builder(TokioExecutor::new()).build(connector.clone());
    let manager = secrets_manager(&http)?;
    let mut calls = JoinSet::new();
    let mut arguments = env::args().skip(1);
    while let (Some(kind), Some(argument)) = (arguments.next(), arguments.next()) {
        match kind.as_str() {
            "secret" => drop(calls.spawn(secret(manager.clone(), argument))),
            "get" => drop(calls.spawn(get(http.clone(), argument))),
            "connect" => drop(calls.spawn(connect(connector.clone(), argument))),
            _ => return Err(format!("{kind} is no kind of call").into()),
        }
    }
    let mut connections = Vec::new();
    while let Some(ended) = calls.join_next().await {
        connections.extend(ended??);
    }
    lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| {
        Ok::<_, Error>(json!({ "statusCode": 200, "body": "hello" }))
    }))
    .await?;
    drop(connections);
    Ok(())
}

/// Fetches a secret, and parses it.
async fn secret(manager: SecretsManager, id: String) -> Result<Option<Stream>, Error> {
    let secret = manager.get_secret_value().secret_id(id).send().await?;
    let _: Value = serde_json::from_str(secret.secret_string().ok_or("the secret is no text")?)?;
    Ok(None)
}

/// Gets a document, and parses it.
async fn get(http: Http, url: String) -> Result<Option<Stream>, Error> {
    let body = http.get(url.parse()?).await?.into_body().collect().await?.to_bytes();
    let _: Value = serde_json::from_slice(&body)?;
    Ok(None)
}

async fn connect(connector: Connector, url: String) -> Result<Option<Stream>, Error> {
    Ok(Some(connector.oneshot(url.parse::<Uri>()?).await?))
}

/// TLS as in the functions: AES-128 and SHA-256 first.
fn connector() -> Result<Connector, Error> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Ok(file) = env::var("SSL_CERT_FILE") {
        for certificate in CertificateDer::pem_file_iter(file)? {
            roots.add(certificate?)?;
        }
    }
    let mut cipher_suites = ring::DEFAULT_CIPHER_SUITES.to_vec();
    cipher_suites.sort_by_key(|one| one.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    let provider = CryptoProvider { cipher_suites, ..ring::default_provider() };
    let tls = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = connect::HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    Ok((tcp, tls).into())
}

fn secrets_manager(http: &Http) -> Result<SecretsManager, Error> {
    let (id, key) = (env::var("AWS_ACCESS_KEY_ID")?, env::var("AWS_SECRET_ACCESS_KEY")?);
    let session = env::var("AWS_SESSION_TOKEN").ok();
    let connector = SharedHttpConnector::new(Sender(http.clone()));
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .region(Region::new(env::var("AWS_REGION")?))
        .credentials_provider(Credentials::new(id, key, session, None, "variables"))
        .retry_config(RetryConfig::standard().with_max_attempts(2));
    config.set_endpoint_url(env::var("AWS_ENDPOINT_URL_SECRETS_MANAGER").ok());
    Ok(SecretsManager::from_conf(config.build()))
}

/// Sends the SDK's requests.
#[derive(Debug)]
struct Sender(Http);

impl HttpConnector for Sender {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move {
            send(http, request).await.map_err(|error| ConnectorError::other(error, None))
        })
    }
}

async fn send(http: Http, request: HttpRequest) -> Result<HttpResponse, Error> {
    let request = request.try_into_http1x()?;
    let body = |body: SdkBody| Bytes::copy_from_slice(body.bytes().unwrap_or_default());
    let (parts, rest) = http.request(request.map(body).map(Full::new)).await?.into_parts();
    let body = SdkBody::from(rest.collect().await?.to_bytes());
    Ok(http::Response::from_parts(parts, body).try_into()?)
}
