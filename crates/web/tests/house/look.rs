//! Serves the house for people to look at: one port for each reader. Run by name, ends when killed.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;

use crate::house::{House, Reach, Ware, Who};

async fn serve(router: Router, who: Who, theme: &'static str, port: u16) {
    let bearer = HeaderValue::from_str(&format!("Bearer {}", who.key())).unwrap();
    let router = router.layer(from_fn(move |mut request: Request, next: Next| {
        let bearer = bearer.clone();
        async move {
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
            let cookie = HeaderValue::from_str(&format!("theme={theme}")).unwrap();
            request.headers_mut().insert(header::COOKIE, cookie);
            let response: Response = next.run(request).await;
            response
        }
    }));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
    axum::serve(listener, router).await.expect("serves until killed");
}

#[tokio::test]
#[ignore = "serves until it is killed"]
async fn a_house_to_look_at() {
    let house = House::open().await;
    house.trade(1, Ware::Towel, 500, Reach::PaidOut).await;
    house.trade(2, Ware::Towel, 700, Reach::Lodged).await;
    house.trade(3, Ware::Cream, 240, Reach::Lodged).await;
    house.trade(4, Ware::Towel, 500, Reach::Ordered).await;
    house.trade(5, Ware::Towel, 500, Reach::Paid).await;
    house.trade(6, Ware::Towel, 500, Reach::Delivered).await;
    house.trade(7, Ware::Towel, 520, Reach::Departed).await;
    house.trade(8, Ware::Towel, 500, Reach::Accepted).await;
    house.trade(9, Ware::Towel, 500, Reach::Waybill).await;
    let mut tasks = tokio::task::JoinSet::new();
    for (i, theme) in [(0, "light"), (100, "dark")] {
        for (who, port) in
            [(Who::Seller, 9101), (Who::Carrier, 9102), (Who::Officer, 9103), (Who::Operator, 9104), (Who::Bank, 9105)]
        {
            tasks.spawn(serve(house.kul.router.clone(), who, theme, port + i));
        }
        for (who, port) in [(Who::Buyer, 9111), (Who::Carrier, 9112), (Who::Officer, 9113), (Who::Operator, 9114)] {
            tasks.spawn(serve(house.hgh.router.clone(), who, theme, port + i));
        }
    }
    eprintln!("ready");
    while tasks.join_next().await.is_some() {}
}
