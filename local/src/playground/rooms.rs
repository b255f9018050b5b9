//! Rooms on Liveblocks' local development server (`npx liveblocks dev`). Liveblocks admits a user to a
//! room that exists and lists them, and creating rooms is an application's own task.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use url::Url;

use super::overview::is_local;
use crate::environment::Environment;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(5);

const UNREACHABLE: &str = "Liveblocks' server cannot be reached";

/// A Liveblocks server on this machine.
pub(super) struct DocumentServer {
    address: (String, u16),
    secret_key: String,
}

impl DocumentServer {
    /// The configured server if it is on this machine. Real accounts are left alone.
    pub(super) fn of(environment: &Environment) -> Option<Self> {
        let url = environment.value("LIVEBLOCKS_API_URL").filter(|url| is_local(url))?;
        let url = Url::parse(url).ok().filter(|url| url.scheme() == "http")?;
        let address = (url.host_str()?.to_owned(), url.port_or_known_default()?);
        let secret_key = environment.value("LIVEBLOCKS_SECRET_KEY")?.to_owned();
        Some(Self { address, secret_key })
    }

    /// Creates a room that everybody may write to, unless it exists.
    pub(super) async fn open(&self, id: &str) -> Result<(), String> {
        let status = tokio::time::timeout(PATIENCE, self.create(id)).await;
        match status.map_err(|_| "Liveblocks' server does not answer")?? {
            status if status.is_success() || status == StatusCode::CONFLICT => Ok(()),
            status => Err(format!("Liveblocks' server created no room: {status}")),
        }
    }

    async fn create(&self, id: &str) -> Result<StatusCode, String> {
        let body = json!({"id": id, "defaultAccesses": ["room:write"]}).to_string();
        let (host, port) = &self.address;
        let request = Request::post("/v2/rooms")
            .header(header::HOST, format!("{host}:{port}"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret_key))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|_| "LIVEBLOCKS_SECRET_KEY is no key")?;
        let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(|_| UNREACHABLE)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| UNREACHABLE)?;
        // It ends with the sender.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(|_| UNREACHABLE)?;
        Ok(response.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creates_rooms_on_this_machine_only() {
        let server = |url: &str| {
            let mut environment = Environment::default();
            environment.set("LIVEBLOCKS_API_URL", url);
            environment.set("LIVEBLOCKS_SECRET_KEY", "sk_localdev");
            DocumentServer::of(&environment)
        };
        assert!(server("http://127.0.0.1:1153").is_some());
        assert!(server("https://api.liveblocks.io").is_none());
        assert!(server("http://liveblocks.example").is_none());
        assert!(DocumentServer::of(&Environment::default()).is_none());
    }
}
