//! Reads everything as of one revision, page by page.

use std::time::Duration;

use bytes::BufMut;
use tokio::time::Instant;

use super::client::Client;
use super::commit::revision;
use super::fault::Fault;
use super::layout::Layout;
use super::wire::{RangeRequest, get};
use crate::store::{Record, Revision, StoreError};

/// For one page.
const PAGE: Duration = Duration::from_secs(10);
/// What a page should weigh, in bytes. etcd counts the whole range for each page, so that small ones are dear.
const WEIGHT: usize = 16 * 1024 * 1024;
/// Records on the first page, before it is known what they weigh.
const FIRST: usize = 500;
/// Records on a page, however small.
const MOST: usize = 100_000;
/// How often it starts again because the revision was compacted meanwhile.
const TRIES: usize = 5;

/// Our latest revision, and etcd's as of which that is so. Linearizable.
pub(super) async fn latest(client: &Client, layout: &Layout, deadline: Instant) -> Result<(Revision, i64), StoreError> {
    let mut found = client.range(get(layout.revision()), deadline).await?;
    let at = found.header.map_or(0, |header| header.revision);
    Ok((revision(found.kvs.pop())?, at))
}

/// Everything.
pub(super) async fn load(client: &Client, layout: &Layout) -> Result<(Revision, Vec<Record>), StoreError> {
    for _ in 1..TRIES {
        match load_once(client, layout).await? {
            Some(loaded) => return Ok(loaded),
            None => tracing::info!("etcd compacted the revision that was being read: reading again"),
        }
    }
    load_once(client, layout).await?.ok_or_else(|| StoreError(Fault::Compacted.to_string()))
}

async fn load_once(client: &Client, layout: &Layout) -> Result<Option<(Revision, Vec<Record>)>, StoreError> {
    let (revision, at) = latest(client, layout, Instant::now() + PAGE).await?;
    let (mut key, end) = layout.records();
    let (mut limit, mut records) = (FIRST, Vec::new());
    loop {
        let page =
            RangeRequest { key, range_end: end.clone(), limit: limit as i64, revision: at, ..RangeRequest::default() };
        let page = match client.range(page, Instant::now() + PAGE).await {
            Ok(page) => page,
            Err(Fault::Compacted) => return Ok(None),
            Err(fault) => return Err(fault.into()),
        };
        let weight: usize = page.kvs.iter().map(|found| found.key.len() + found.value.len()).sum();
        let Some(last) = page.kvs.last() else { return Ok(Some((revision, records))) };
        limit = (WEIGHT / (weight / page.kvs.len()).max(1)).clamp(1, MOST);
        // The first key behind it.
        let mut next = bytes::BytesMut::from(&*last.key);
        next.put_u8(0);
        key = next.freeze();
        for found in &page.kvs {
            records.push(layout.to_record(found)?);
        }
        if !page.more {
            return Ok(Some((revision, records)));
        }
    }
}
