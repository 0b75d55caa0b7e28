//! The trade file, with everything in it that it can hold.

use std::sync::Arc;

use trade::clearance::Clearance;
use trade::custody::{Custody, CustodyKind};
use trade::escrow::Escrow;
use trade::matching::MatchResult;
use trade::order::{Order, OrderBuyer};
use trade::trade_file::{Closed, DepositTold, Side, TradeFile};

use super::cargo::handling;
use super::claims::{disputes, refund, reimport, returns};
use super::finance::finances;
use super::{
    AT, CNY, charged, clearances, declaration, hub, id, payments, payouts, permit_use, quote, reasons, refused, trade,
    waybill, worked,
};

/// Trade files that between them hold every field in every form; more than one trade ever has.
#[must_use]
pub fn trade_files() -> Vec<TradeFile> {
    let tags = payments().swap_remove(0).payer;
    let order = Arc::new(Order {
        quote: Arc::new(quote()),
        placed_at: AT,
        delivery: "D-1234".to_owned(),
        buyer: Some(OrderBuyer { party: id(), tags }),
        seller: Some(id()),
    });
    let file = |clearance: Clearance, escrow: Escrow, closed: Closed| TradeFile {
        id: trade(),
        side: Side::Import,
        opened: AT,
        peer: Some(hub()),
        order: Some(Arc::clone(&order)),
        payments: payments(),
        deposited: Some(DepositTold { at: AT, balance_due: AT }),
        secured: Some(AT),
        waybill: Some(waybill()),
        declaration: Some(declaration()),
        matched: Some(MatchResult { at: AT, pack: "00".repeat(32), differs: reasons() }),
        permits: vec![permit_use()],
        clearance: clearance.clone(),
        charged: Some(Arc::new(charged(worked()))),
        peer_clearance: clearance,
        custody: vec![Custody { kind: CustodyKind::Departed, place: "MYKUL".to_owned(), at: AT }],
        handling: handling(),
        escrow,
        payouts: payouts(),
        closed: Some(closed),
        returning: None,
        reimport: None,
        dispute: None,
        practice: true,
        heard: vec![3],
        finance: None,
    };
    let escrows = each_variant!(Escrow:
        Empty {},
        Deposited { amount: CNY, at: AT, balance_due: AT },
        Funded { amount: CNY, at: AT },
        Released { at: AT, tax: CNY, fee: CNY, due: CNY, refund: Some(refund()) },
        Returned { amount: CNY, at: AT },
    );
    let closed = each_variant!(Closed:
        Paid { at: AT },
        Lapsed { at: AT },
        Declined { at: AT, reason: "mixed-sellers".to_owned() },
        Cancelled { at: AT },
        Returned { at: AT },
        Refunded { at: AT },
    );
    let longest = clearances().len().max(escrows.len()).max(closed.len());
    let longest = longest.max(returns().len()).max(disputes().len());
    let forms = clearances().into_iter().cycle().zip(escrows.into_iter().cycle()).zip(closed.into_iter().cycle());
    let finances = finances();
    let longest = longest.max(finances.len());
    let claims = returns().into_iter().cycle().zip(disputes().into_iter().cycle());
    let filled =
        forms.zip(claims).enumerate().map(|(n, (((clearance, escrow), closed), (returning, dispute)))| TradeFile {
            returning: Some(returning),
            reimport: Some(reimport()),
            dispute: Some(dispute),
            charged: Some(Arc::new(charged(if n == 0 { refused() } else { worked() }))),
            finance: finances.get(n).cloned().map(Arc::new),
            ..file(clearance, escrow, closed)
        });
    filled.take(longest).collect()
}
