//! Accepted peers. They are few, so every lane knows them all.

use sqlx::{Any, AnyConnection};
use trade::codes::HubId;
use trade::peer::Peer;
use trade::world::{Changes, World};

use crate::db::{StoreError, body};
use crate::hub::Hub;
use crate::rows::{Rows, Statement};

pub(crate) async fn load_all(conn: &mut AnyConnection, world: &mut World) -> Result<(), StoreError> {
    for row in sqlx::query::<Any>("SELECT body FROM peer ORDER BY id").fetch_all(conn).await? {
        let peer: Peer = body(&row, 0)?;
        world.peers.load(peer.card.id.clone(), Some(peer));
    }
    Ok(())
}

pub(crate) fn changes(changes: &Changes) -> Statement {
    let mut rows = Rows::new();
    for (id, peer) in &changes.peers {
        rows.row().shown(id).text(&peer.url).int(i64::from(peer.paused)).json(peer);
    }
    rows.into_statement(
        "INSERT INTO peer (id, url, paused, body) SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), \
         substr($2, CAST(value ->> 3 AS INTEGER), CAST(value ->> 4 AS INTEGER)) FROM {rows} WHERE true \
         ON CONFLICT (id) DO UPDATE SET url = excluded.url, paused = excluded.paused, body = excluded.body",
    )
}

impl Hub {
    pub async fn peers(&self) -> Result<Vec<Peer>, StoreError> {
        let mut conn = self.db().reader().await?;
        let rows = sqlx::query::<Any>("SELECT body FROM peer ORDER BY id").fetch_all(&mut *conn).await?;
        rows.iter().map(|row| body(row, 0)).collect()
    }

    pub async fn peer(&self, id: &HubId) -> Result<Option<Peer>, StoreError> {
        let mut conn = self.db().reader().await?;
        let query = sqlx::query::<Any>("SELECT body FROM peer WHERE id = $1").bind(id.as_str().to_owned());
        query.fetch_optional(&mut *conn).await?.map(|row| body(&row, 0)).transpose()
    }
}
