//! Money in the sample trade: credits that are told to the hub, payouts that the bank executes.

use trade::money::{Currency, Money};

use super::{Driver, Run, each};
use crate::demo::api::{Api, ApiError};
use crate::demo::bank;
use crate::demo::script::{By, Payer, PaymentWhen};

/// How many credits a bank puts into one notification.
const CREDITS_A_FILE: usize = 50;

impl Driver {
    pub(super) fn payments_of(&self, run: &Run, when: PaymentWhen) -> Vec<WebhookOrCredit> {
        let Some(quote) = &run.quote else { return Vec::new() };
        let buyer = &self.buyers[&run.entry.buyer].0;
        let mut sent = Vec::new();
        for payment in run.entry.payments.iter().filter(|p| p.when == when) {
            let currency: Currency = payment.currency.parse().unwrap_or(Currency::CNY);
            let delta = match payment.amount.as_str() {
                "as-quoted" => Money::zero(Currency::CNY),
                other => {
                    Money::parse(other.trim_start_matches('+'), Currency::CNY).unwrap_or(Money::zero(Currency::CNY))
                }
            };
            let minor = quote.landed.total.minor().saturating_add(delta.minor());
            let (name, id_number) = match payment.payer {
                Payer::Buyer => (buyer.name.clone(), buyer.id_number.clone()),
                Payer::Other => ("Other Payer".to_owned(), "999999197001019999".to_owned()),
            };
            let order_no =
                if payment.order_no == "as-given" { run.entry.order_no.clone() } else { payment.order_no.clone() };
            let message = bank::Credit {
                no: payment.no.clone(),
                order_no,
                amount: Money::new(minor, currency),
                payer_name: name,
                payer_id: id_number,
            };
            for _ in 0..payment.times {
                sent.push(WebhookOrCredit { by: payment.by, credit: message.clone() });
            }
        }
        sent
    }

    pub(super) async fn payments(&self) -> Result<(), ApiError> {
        let all: Vec<WebhookOrCredit> =
            self.runs.iter().filter(|r| r.placed).flat_map(|r| self.payments_of(r, PaymentWhen::AfterOrder)).collect();
        let count = all.len();
        let (webhooks, credits): (Vec<_>, Vec<_>) = all.into_iter().partition(|p| p.by == By::Webhook);
        let (bank_api, secret) = (self.stage.hgh.bank.clone(), self.stage.webhook_secret.clone());
        each(webhooks, move |payment| {
            let (bank_api, secret) = (bank_api.clone(), secret.clone());
            async move { payment.send(&bank_api, &secret).await }
        })
        .await?;
        let credits: Vec<bank::Credit> = credits.into_iter().map(|p| p.credit).collect();
        for file in credits.chunks(CREDITS_A_FILE) {
            bank::notify_credits(&self.stage.hgh.bank, file).await?;
        }
        self.tell("demo-payments", count, count);
        let in_escrow = self.count_stage(&self.stage.hgh, "in-escrow").await?;
        self.until("demo-secured", in_escrow, || self.count_stage(&self.stage.kul, "in-escrow")).await
    }

    /// Payouts and refunds go out in files, and the sandbox bank executes them.
    pub(super) async fn payouts(&self) -> Result<(), ApiError> {
        for hub in [&self.stage.kul, &self.stage.hgh] {
            // Numbered from the first again after a break: files that were made are given out again.
            let mut count = 0;
            for n in 1.. {
                match bank::execute_payouts(hub, n).await? {
                    0 => break,
                    done => count += done,
                }
            }
            self.tell(if hub.hub == self.stage.kul.hub { "demo-payouts" } else { "demo-refunds" }, count, count);
        }
        self.quiet().await
    }
}

/// A credit with the way in which it is told.
#[derive(Clone)]
pub(super) struct WebhookOrCredit {
    by: By,
    credit: bank::Credit,
}

impl WebhookOrCredit {
    pub(super) async fn send(&self, bank_api: &Api, secret: &[u8]) -> Result<(), ApiError> {
        match self.by {
            By::Camt054 => bank::notify_credits(bank_api, std::slice::from_ref(&self.credit)).await,
            By::Webhook => bank::send_webhook(bank_api, secret, &self.credit).await,
        }
    }
}
