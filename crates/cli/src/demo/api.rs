//! A party's way into a hub: the same API that any program would use.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

/// What a hub refused, or why it could not be reached.
#[derive(Clone, Debug)]
pub enum ApiError {
    /// An RFC 9457 problem.
    Refused {
        status: u16,
        problem: Value,
    },
    Unreachable {
        url: String,
        cause: String,
    },
}

impl ApiError {
    /// The stable code of a refusal.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { problem, .. } => problem.get("code").and_then(Value::as_str).unwrap_or("unexplained"),
            Self::Unreachable { .. } => "unreachable",
        }
    }

    /// Whether the same request may be answered in a moment.
    fn passes(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { status: 429 | 502 | 503 | 504, .. })
    }

    /// One of the values that explain a refusal.
    #[must_use]
    pub fn arg(&self, name: &str) -> Option<&str> {
        match self {
            Self::Refused { problem, .. } => problem.get(name).and_then(Value::as_str),
            Self::Unreachable { .. } => None,
        }
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused { status, problem } => write!(f, "{status} {problem}"),
            Self::Unreachable { url, cause } => write!(f, "{url}: {cause}"),
        }
    }
}

/// One party on one hub.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    key: String,
}

/// A hub that is starting, busy or being restarted is asked again for this long.
const PATIENCE: Duration = Duration::from_secs(60);

impl Api {
    #[must_use]
    pub fn new(http: &reqwest::Client, base: &str, key: &str) -> Self {
        Self { http: http.clone(), base: base.to_owned(), key: key.to_owned() }
    }

    /// The same hub, as another party.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(|| self.http.get(self.url(path))).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(|| self.http.post(self.url(path)).json(body)).await
    }

    /// Sends a file as it is; answers JSON.
    pub async fn send(
        &self,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
        headers: &[(&str, String)],
    ) -> Result<Value, ApiError> {
        self.call(|| {
            let mut request = self.http.post(self.url(path)).header("content-type", media_type).body(body.clone());
            for (name, value) in headers {
                request = request.header(*name, value);
            }
            request
        })
        .await
    }

    /// A file that the hub makes; empty where it has nothing to put into it.
    pub async fn file(&self, path: &str, body: &Value) -> Result<Vec<u8>, ApiError> {
        self.patiently(|| self.http.post(self.url(path)).json(body)).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn call(&self, request: impl Fn() -> reqwest::RequestBuilder) -> Result<Value, ApiError> {
        let bytes = self.patiently(request).await?;
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// Asks until there is an answer: commands are safe to send twice.
    async fn patiently(&self, request: impl Fn() -> reqwest::RequestBuilder) -> Result<Vec<u8>, ApiError> {
        let mut waited = Duration::ZERO;
        let mut pause = Duration::from_millis(20);
        loop {
            let error = match self.once(request()).await {
                Err(error) if error.passes() => error,
                other => return other,
            };
            if waited >= PATIENCE {
                return Err(error);
            }
            sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    async fn once(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, ApiError> {
        let lost = |e: reqwest::Error| unreachable(&self.base, &e);
        let answer = request.bearer_auth(&self.key).send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        // A hub that dies while it answers has decided, or not: asking again tells.
        let bytes = answer.bytes().await.map_err(lost)?;
        if status < 400 {
            return Ok(bytes.to_vec());
        }
        Err(ApiError::Refused { status, problem: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> ApiError {
    ApiError::Unreachable { url: url.to_owned(), cause: error.to_string() }
}
