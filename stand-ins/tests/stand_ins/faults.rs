use std::time::Duration;

use anteroom_stand_ins::{
    clerk::Clerk,
    faults::{Fault, Moment, REDIRECTED},
    jwt,
    liveblocks::Liveblocks,
    secrets_manager::SecretsManager,
    workos::WorkOs,
};
use reqwest::{Client, RequestBuilder, Response};

use super::{browser, client, send};

struct Visitor {
    clerk: Clerk,
    client: Client,
}

impl Visitor {
    async fn new() -> Self {
        Self { clerk: Clerk::start().await.expect("it starts"), client: client() }
    }

    /// A request that is answered when nothing is wrong.
    fn jwks(&self) -> RequestBuilder {
        let url = format!("{}/v1/jwks", self.clerk.url());
        self.client.get(url).bearer_auth(self.clerk.secret_key())
    }

    async fn meets(&self, fault: Fault) -> Response {
        self.clerk.inject(fault.once());
        self.jwks().send().await.expect("an answer")
    }

    async fn orders(&self, order: &str) -> u16 {
        let url = format!("{}/dev/faults", self.clerk.url());
        let answer = self.client.post(url).body(order.to_owned()).send().await;
        answer.expect("an answer").status().as_u16()
    }
}

#[tokio::test]
async fn down_ends_the_connection_without_an_answer() {
    let visitor = Visitor::new().await;
    visitor.clerk.inject(Fault::Down);
    let error = visitor.jwks().send().await.expect_err("no answer");
    assert!(error.is_request() && !error.is_connect(), "{error:?}");
    assert!(visitor.clerk.hits("GET", "/v1/jwks") > 0);

    visitor.clerk.clear_faults();
    assert_eq!(visitor.jwks().send().await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn slow_answers_later_than_others_are_willing_to_wait() {
    let visitor = Visitor::new().await;
    visitor.clerk.inject(Fault::Slow(Duration::from_hours(1)).once());
    let request = visitor.jwks().timeout(Duration::from_millis(50));
    let error = request.send().await.expect_err("no answer in time");
    assert!(error.is_timeout(), "{error:?}");
    // A request that gave up before it arrived has left the fault to the next.
    visitor.clerk.clear_faults();

    let answer = visitor.meets(Fault::Slow(Duration::from_millis(1))).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.expect("text").contains("\"keys\""));
}

#[tokio::test]
async fn limiting_is_the_providers_429() {
    let visitor = Visitor::new().await;
    let answer = visitor.meets(Fault::Limiting { retry_after: Some(7) }).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    let answer = visitor.meets(Fault::Limiting { retry_after: None }).await;
    assert_eq!(answer.headers().get("retry-after"), None);
    let body: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(body["errors"][0]["code"], "too_many_requests");
}

#[tokio::test]
async fn failing_is_the_providers_error_with_any_status() {
    let visitor = Visitor::new().await;
    visitor.clerk.inject(Fault::Failing(503).once());
    let (status, body) = send(visitor.jwks()).await;
    assert_eq!((status, body["errors"][0]["code"].as_str()), (503, Some("internal_clerk_error")));
}

#[tokio::test]
async fn refusing_is_the_refusal_of_any_key() {
    let visitor = Visitor::new().await;
    visitor.clerk.inject(Fault::Refusing.once());
    let (status, body) = send(visitor.jwks()).await;
    assert_eq!((status, body["errors"][0]["code"].as_str()), (401, Some("clerk_key_invalid")));
}

#[tokio::test]
async fn a_gateways_page_is_html() {
    let visitor = Visitor::new().await;
    let answer = visitor.meets(Fault::GatewayPage).await;
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.headers()["content-type"], "text/html");
    assert!(answer.text().await.expect("text").starts_with("<html>"));
}

#[tokio::test]
async fn garbage_is_no_json_and_a_wrong_shape_is() {
    let visitor = Visitor::new().await;
    let answer = visitor.meets(Fault::Garbage).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    let text = answer.text().await.expect("text");
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err(), "{text}");

    let answer = visitor.meets(Fault::WrongShape).await;
    assert_eq!(answer.status(), 200);
    let body: serde_json::Value = answer.json().await.expect("JSON");
    assert!(body.get("keys").is_none(), "{body}");
}

#[tokio::test]
async fn truncated_breaks_in_the_middle_of_the_body() {
    let visitor = Visitor::new().await;
    let whole = visitor.jwks().send().await.expect("an answer").content_length();
    let mut answer = visitor.meets(Fault::Truncated).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.content_length(), whole);
    let part = answer.chunk().await.expect("a part").expect("a part");
    assert!(!part.is_empty() && (part.len() as u64) < whole.expect("a length"));
    let error = answer.chunk().await.expect_err("the rest is missing");
    assert!(error.is_body() || error.is_decode(), "{error:?}");
}

#[tokio::test]
async fn dated_is_the_providers_error_with_a_date() {
    let visitor = Visitor::new().await;
    for (status, code) in [(429, "too_many_requests"), (503, "internal_clerk_error")] {
        let answer = visitor.meets(Fault::Dated { status, seconds: 60 }).await;
        assert_eq!(answer.status(), status);
        let date = answer.headers()["retry-after"].to_str().expect("text").to_owned();
        assert!(date.ends_with(" GMT"), "{date}");
        let body: serde_json::Value = answer.json().await.expect("JSON");
        assert_eq!(body["errors"][0]["code"], code);
    }
}

#[tokio::test]
async fn between_is_anything_that_others_say() {
    let visitor = Visitor::new().await;
    let fault = Fault::Between { status: 429, content_type: "text/plain", body: "wait" };
    let answer = visitor.meets(fault).await;
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["content-type"], "text/plain");
    assert_eq!(answer.text().await.expect("text"), "wait");
}

#[tokio::test]
async fn endless_goes_on_as_long_as_anybody_reads() {
    let visitor = Visitor::new().await;
    let mut answer = visitor.meets(Fault::Endless).await;
    assert_eq!((answer.status().as_u16(), answer.content_length()), (200, None));
    let mut read = 0;
    while read < 10 * 1024 * 1024 {
        read += answer.chunk().await.expect("a part").expect("more").len();
    }
}

#[tokio::test]
async fn dead_connections_answer_nothing_and_new_ones_do() {
    let visitor = Visitor::new().await;
    visitor.jwks().send().await.expect("an answer").text().await.expect("text");
    assert_eq!(visitor.clerk.connections(), 1);

    visitor.clerk.break_connections();
    let error = visitor.jwks().send().await.expect_err("no answer");
    assert!(error.is_request() && !error.is_timeout(), "{error:?}");
    visitor.jwks().send().await.expect("an answer").text().await.expect("text");
    assert_eq!(visitor.clerk.connections(), 2);

    visitor.clerk.silence_connections();
    let request = visitor.jwks().timeout(Duration::from_millis(50));
    assert!(request.send().await.expect_err("no answer").is_timeout());
    visitor.jwks().send().await.expect("an answer");
    assert_eq!(visitor.clerk.hits("GET", "/v1/jwks"), 3, "what is lost does not reach it");
}

#[tokio::test]
async fn a_fault_on_one_path_spares_the_others() {
    let visitor = Visitor::new().await;
    visitor.clerk.inject(Fault::Failing(500).on("/v1/users"));
    assert_eq!(send(visitor.jwks()).await.0, 200);
    let url = format!("{}/v1/users/user_1", visitor.clerk.url());
    assert_eq!(send(visitor.client.get(url)).await.0, 500);
}

#[tokio::test]
async fn faults_can_be_ordered_over_http_and_never_hit_the_orders() {
    let visitor = Visitor::new().await;
    assert_eq!(visitor.orders(r#"{"fault":"down"}"#).await, 200);
    visitor.jwks().send().await.expect_err("no answer");
    assert_eq!(visitor.orders(r#"{"fault":"tired"}"#).await, 400);
    assert_eq!(visitor.orders(r#"{"fault":"none"}"#).await, 200);
    assert_eq!(visitor.jwks().send().await.expect("an answer").status(), 200);
    assert_eq!(visitor.clerk.hits("POST", "/dev/faults"), 0);
}

#[tokio::test]
async fn a_page_of_another_site_orders_nothing() {
    let visitor = Visitor::new().await;
    let url = format!("{}/dev/faults", visitor.clerk.url());
    for (name, value, status) in [
        ("origin", "https://evil.example", 403),
        ("origin", "http://127.0.0.1.evil.example", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "cross-site", 403),
        ("host", "evil.example", 403),
        ("host", "localhost.evil.example:80", 403),
        ("host", "localhost:1", 200),
        ("origin", "http://localhost:8787", 200),
        ("sec-fetch-site", "none", 200),
    ] {
        let order = visitor.client.post(&url).header(name, value).body(r#"{"fault":"none"}"#);
        let answer = order.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{name}: {value}");
    }
}

#[tokio::test]
async fn every_provider_fails_in_its_own_words() {
    let liveblocks = Liveblocks::start().await.expect("it starts");
    let secrets = SecretsManager::start().await.expect("it starts");
    let cases = [
        (
            Fault::Limiting { retry_after: None },
            (429, "TOO_MANY_REQUESTS"),
            (400, "ThrottlingException"),
        ),
        (Fault::Failing(500), (500, "INTERNAL_SERVER_ERROR"), (500, "InternalServiceError")),
        (Fault::Refusing, (403, "INVALID_SECRET_KEY"), (400, "UnrecognizedClientException")),
    ];
    let client = client();
    for (fault, of_liveblocks, of_secrets) in cases {
        liveblocks.inject(fault);
        secrets.inject(fault);
        let (status, body) = send(client.post(liveblocks.url())).await;
        assert_eq!((status, body["error"].as_str()), (of_liveblocks.0, Some(of_liveblocks.1)));
        let (status, body) = send(client.post(secrets.url())).await;
        assert_eq!((status, body["__type"].as_str()), (of_secrets.0, Some(of_secrets.1)));
    }
}

#[tokio::test]
async fn a_reset_comes_before_in_the_middle_of_or_after_the_answer() {
    let visitor = Visitor::new().await;
    visitor.clerk.inject(Fault::Reset(Moment::Before));
    let error = visitor.jwks().send().await.expect_err("no answer");
    assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
    visitor.clerk.clear_faults();

    let answer = visitor.meets(Fault::Reset(Moment::Middle)).await;
    assert_eq!(answer.status(), 200);
    answer.bytes().await.expect_err("half of a body");

    let before = visitor.clerk.connections();
    let answer = visitor.meets(Fault::Reset(Moment::After)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.expect("all of it").contains("\"keys\""));
    // Until the client has noticed.
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(visitor.jwks().send().await.expect("an answer").status(), 200);
    assert_eq!(visitor.clerk.connections(), before + 2, "each on a connection of its own");
}

#[tokio::test]
async fn a_body_that_is_cut_short_looks_complete_without_tls_and_broken_with_it() {
    let visitor = Visitor::new().await;
    let text = visitor.meets(Fault::CutShort).await.text().await.expect("a body");
    assert!(text.starts_with('{') && !text.ends_with('}'), "{text}");

    let clerk = Clerk::start_tls().await.expect("it starts");
    let visitor = Visitor { clerk, client: client() };
    let error = visitor.meets(Fault::CutShort).await.text().await.expect_err("no end of TLS");
    assert!(error.is_decode() || error.is_body(), "{error:?}");
}

#[tokio::test]
async fn a_drip_never_ends() {
    let visitor = Visitor::new().await;
    let mut answer = visitor.meets(Fault::Drip).await;
    assert_eq!(answer.status(), 200);
    for _ in 0..3 {
        assert_eq!(answer.chunk().await.expect("a part").as_deref(), Some(&b" "[..]));
    }
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_server() {
    let visitor = Visitor { client: browser(), ..Visitor::new().await };
    let answer = visitor.meets(Fault::Redirect).await;
    assert_eq!(answer.status(), 307);
    assert_eq!(answer.headers()["location"], REDIRECTED);
}

#[tokio::test]
async fn a_wrong_clock_dates_what_it_issues() {
    let workos = WorkOs::start().await.expect("it starts");
    let url = format!("{}/user_management/authenticate", workos.url());
    let mut issued = Vec::new();
    for ahead in [0, 600, -600] {
        workos.inject(Fault::Clock(ahead).once());
        let session = workos.sign_in("jane", None);
        let (status, body) = send(client().post(&url).json(&serde_json::json!({
            "client_id": workos.client_id(), "client_secret": workos.api_key(),
            "grant_type": "refresh_token", "refresh_token": session["refresh_token"],
        })))
        .await;
        assert_eq!(status, 200, "{body}");
        let claims = jwt::claims(body["access_token"].as_str().expect("a token"));
        issued.push(claims.expect("claims")["iat"].as_i64().expect("a time") - ahead);
    }
    let first = issued[0];
    assert!(issued.iter().all(|time| (first..first + 60).contains(time)), "{issued:?}");
}
