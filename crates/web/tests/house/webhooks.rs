//! Webhooks: told to whom they concern, signed, again until they are taken, and under the same id.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::house::{House, Reach, Side, Ware, Who};

/// What came: headers by name, and the body.
#[derive(Clone, Debug)]
struct Came {
    headers: Vec<(String, String)>,
    body: String,
}

impl Came {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str())
    }

    fn kind(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap();
        body["type"].as_str().unwrap().to_owned()
    }

    /// Which of the signatures are this secret's, as Standard Webhooks has it.
    fn is_signed_by(&self, secret: &str) -> bool {
        let secret = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let signed = format!("{}.{}.{}", self.header("webhook-id"), self.header("webhook-timestamp"), self.body);
        let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
        mac.update(signed.as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature").split(' ').any(|one| one == expected)
    }
}

/// A shop's server: it keeps what comes and answers as it is told.
struct Shop {
    url: String,
    came: Arc<Mutex<Vec<Came>>>,
    answer: Arc<Mutex<&'static str>>,
}

impl Shop {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let (came, answer) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new("204 No Content")));
        let (keeps, answers) = (Arc::clone(&came), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let mut chunk = [0; 4096];
                while let Ok(n) = connection.read(&mut chunk).await {
                    bytes.extend_from_slice(&chunk[..n]);
                    if n == 0 || is_whole(&bytes) {
                        break;
                    }
                }
                let text = String::from_utf8(bytes).unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
                let headers = headers.map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect();
                keeps.lock().unwrap().push(Came { headers, body: body.to_owned() });
                let status = *answers.lock().unwrap();
                let said = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = connection.write_all(said.as_bytes()).await;
            }
        });
        Self { url, came, answer }
    }

    fn takes(&self) -> Vec<Came> {
        std::mem::take(&mut self.came.lock().unwrap())
    }

    fn answers(&self, status: &'static str) {
        *self.answer.lock().unwrap() = status;
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

async fn made(side: &Side, who: Who, body: Value) -> (String, String) {
    let made = side.post(Some(who), "/api/v1/webhooks", &body).await.good().json();
    (made["webhook"]["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
}

/// Sends until there is nothing to send now.
async fn send(side: &Side) {
    let client = web::webhook::sender(side.site.mode);
    loop {
        let mut more = false;
        for webhook in side.hub.open_webhooks().await.unwrap() {
            more |= web::webhook::send::step(&side.app, &client, &webhook).await.unwrap();
        }
        if !more {
            return;
        }
    }
}

#[tokio::test]
async fn a_seller_is_told_what_happens_to_its_trade_signed_and_once() {
    let house = House::open().await;
    let shop = Shop::open().await;
    let (id, secret) = made(&house.kul, Who::Seller, json!({ "url": shop.url })).await;
    let (_, _) = made(&house.kul, Who::OtherSeller, json!({ "url": shop.url })).await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    send(&house.kul).await;
    let came = shop.takes();
    let kinds: Vec<String> = came.iter().map(Came::kind).collect();
    assert!(kinds.contains(&"waybill-issued".to_owned()) && kinds.contains(&"export-lodged".to_owned()), "{kinds:?}");
    for one in &came {
        // Of two sellers only the one whose trade it is was told.
        assert!(one.is_signed_by(&secret), "{one:?}");
        assert!(one.header("webhook-id").starts_with("evt_"));
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!(
            (&body["data"]["hub"], &body["data"]["id"]),
            (&json!("kul.sandbox"), &json!(one.header("webhook-id")))
        );
    }
    send(&house.kul).await;
    assert_eq!(shop.takes().len(), 0);
    // What is listed is what was sent.
    let path = format!("/api/v1/webhooks/{id}/deliveries");
    let listed = house.kul.get(Some(Who::Seller), &path).await.good().json();
    assert_eq!(listed["deliveries"].as_array().unwrap().len(), came.len());
    assert!(listed["deliveries"].as_array().unwrap().iter().all(|d| d["taken"] == true));
    // Sent again from the beginning: the same events under the same ids, and the older ones as well.
    let replay = format!("/api/v1/webhooks/{id}/replay");
    house.kul.post(Some(Who::Seller), &replay, &json!({ "from": 0 })).await.good();
    send(&house.kul).await;
    let again: Vec<String> = shop.takes().iter().map(|c| c.header("webhook-id").to_owned()).collect();
    assert!(came.iter().all(|c| again.contains(&c.header("webhook-id").to_owned())));
    assert!(again.len() > came.len(), "the product was offered before the webhook was made");
}

#[tokio::test]
async fn a_filter_a_carriers_view_and_another_partys_webhook_are_kept_apart() {
    let house = House::open().await;
    let shop = Shop::open().await;
    let only = json!({ "url": shop.url, "kinds": ["export-released"] });
    let (seller, _) = made(&house.kul, Who::Seller, only).await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    send(&house.kul).await;
    assert_eq!(shop.takes().iter().map(Came::kind).collect::<Vec<_>>(), ["export-released"]);
    let (_, _) = made(&house.kul, Who::Carrier, json!({ "url": shop.url, "from": 0 })).await;
    send(&house.kul).await;
    let came = shop.takes();
    assert!(!came.is_empty());
    for one in came {
        let body: Value = serde_json::from_str(&one.body).unwrap();
        assert_eq!(body["data"]["what"], json!({ "kind": one.kind() }));
    }
    for (method_path, body) in
        [("", None), ("/deliveries", None), ("/stop", Some(json!({}))), ("/secret", Some(json!({})))]
    {
        let path = format!("/api/v1/webhooks/{seller}{method_path}");
        let got = match body {
            None => house.kul.get(Some(Who::OtherSeller), &path).await,
            Some(body) => house.kul.post(Some(Who::OtherSeller), &path, &body).await,
        };
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
    }
    let bad = json!({ "url": shop.url, "kinds": ["no-such"] });
    assert_eq!(house.kul.post(Some(Who::Seller), "/api/v1/webhooks", &bad).await.json()["code"], "webhook-kind");
    let bad = json!({ "url": "http://10.0.0.1/x" });
    assert_eq!(house.kul.post(Some(Who::Seller), "/api/v1/webhooks", &bad).await.json()["code"], "webhook-url");
}

#[tokio::test]
async fn what_is_not_taken_comes_again_and_an_address_that_is_gone_is_left_alone() {
    let house = House::open().await;
    let shop = Shop::open().await;
    let body = json!({ "url": shop.url, "kinds": ["export-released"], "from": 0 });
    let (id, _) = made(&house.kul, Who::Seller, body).await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    shop.answers("500 Internal Server Error");
    send(&house.kul).await;
    assert_eq!(shop.takes().len(), 1);
    send(&house.kul).await;
    assert_eq!(shop.takes().len(), 0, "not before its pause is over");
    house.hand.advance(6);
    shop.answers("200 OK");
    send(&house.kul).await;
    let came = shop.takes();
    assert_eq!(came.len(), 1);
    let path = format!("/api/v1/webhooks/{id}/deliveries");
    let listed = house.kul.get(Some(Who::Seller), &path).await.good().json();
    assert_eq!((&listed["deliveries"][0]["tries"], &listed["deliveries"][0]["taken"]), (&json!(2), &json!(true)));
    shop.answers("410 Gone");
    house.kul.post(Some(Who::Seller), &format!("/api/v1/webhooks/{id}/replay"), &json!({ "from": 0 })).await.good();
    send(&house.kul).await;
    let webhook = house.kul.get(Some(Who::Seller), &format!("/api/v1/webhooks/{id}")).await.good().json();
    assert_eq!(webhook["stopped"]["why"], "gone");
    assert_eq!(house.kul.hub.open_webhooks().await.unwrap().len(), 0);
    house.kul.post(Some(Who::Seller), &format!("/api/v1/webhooks/{id}/go-on"), &json!({})).await.good();
    assert_eq!(house.kul.hub.open_webhooks().await.unwrap().len(), 1);
}

#[tokio::test]
async fn for_a_day_after_a_change_both_secrets_sign() {
    let house = House::open().await;
    let shop = Shop::open().await;
    let (id, old) = made(&house.kul, Who::Seller, json!({ "url": shop.url, "kinds": ["export-released"] })).await;
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    let path = format!("/api/v1/webhooks/{id}/secret");
    let new = house.kul.post(Some(Who::Seller), &path, &json!({})).await.good().json()["secret"].clone();
    let new = new.as_str().unwrap();
    assert_ne!(old, new);
    send(&house.kul).await;
    let came = shop.takes().remove(0);
    assert!(came.is_signed_by(&old) && came.is_signed_by(new));
    house.hand.advance(86_401);
    house.kul.post(Some(Who::Seller), &format!("/api/v1/webhooks/{id}/replay"), &json!({ "from": 0 })).await.good();
    send(&house.kul).await;
    let came = shop.takes().remove(0);
    assert!(!came.is_signed_by(&old) && came.is_signed_by(new));
}

#[tokio::test]
async fn a_page_shows_the_secret_once_and_what_was_sent() {
    let house = House::open().await;
    let shop = Shop::open().await;
    let form = format!("url={}&kind=export-released&kind=held", shop.url.replace(':', "%3A").replace('/', "%2F"));
    let page = house.kul.form(Some(Who::Seller), "/webhooks", &form).await.good().text();
    assert!(page.contains("whsec_"));
    house.trade(1, Ware::Towel, 500, Reach::Lodged).await;
    send(&house.kul).await;
    let id = house.kul.hub.open_webhooks().await.unwrap()[0].id;
    let page = house.kul.get(Some(Who::Seller), &format!("/webhooks/{id}")).await.good().text();
    assert!(!page.contains("whsec_") && page.contains("export-released") && page.contains("204"), "{page}");
    let list = house.kul.get(Some(Who::Seller), "/webhooks").await.good().text();
    assert!(list.contains(&shop.url));
    let refused = house.kul.form(Some(Who::Seller), "/webhooks", "url=ftp%3A%2F%2Fx").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for (act, then) in [("stop", 303), ("go-on", 303), ("replay", 303), ("secret", 200), ("remove", 303)] {
        let got = house.kul.form(Some(Who::Seller), &format!("/webhooks/{id}/{act}"), "from=0").await;
        assert_eq!(got.status.as_u16(), then, "{act} {}", got.text());
    }
    assert_eq!(house.kul.get(Some(Who::Seller), &format!("/webhooks/{id}")).await.status, StatusCode::NOT_FOUND);
}
