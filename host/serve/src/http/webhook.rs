//! Webhooks, sent.

use std::net::SocketAddr;
use std::sync::{Arc, Once};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, header};
use tokio_rustls::rustls::crypto::ring;

use super::App;
use super::body::blocking;
use crate::error::Fault;
use crate::jobs::Delivery;
use crate::store::now;
use crate::webhook::{Webhook, is_private};

/// What an attempt may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked whether one is due.
const LOOK: Duration = Duration::from_secs(1);

/// Sends what is due, for as long as the server runs.
pub(crate) async fn deliver(app: Arc<App>) {
    let mut pulse = app.pulse.clone();
    loop {
        pulse.mark_unchanged();
        if !app.live.get().webhook.is_empty()
            && let Err(e) = round(&app).await
        {
            tracing::error!("webhooks: {e}");
            tokio::time::sleep(LOOK).await;
        }
        let _ = tokio::time::timeout(LOOK, pulse.changed()).await;
    }
}

async fn round(app: &Arc<App>) -> Result<(), Fault> {
    let jobs = Arc::clone(&app.jobs);
    let due = blocking(move || jobs.deliveries()).await?;
    let done = join_all(due.into_iter().map(|delivery| attempt(Arc::clone(app), delivery))).await;
    done.into_iter().collect()
}

/// One attempt, and what becomes of the message.
async fn attempt(app: Arc<App>, delivery: Delivery) -> Result<(), Fault> {
    let settings = app.live.get();
    let hook = settings.webhook.iter().find(|hook| hook.url == delivery.url);
    let jobs = Arc::clone(&app.jobs);
    let id = delivery.id.clone();
    let Some(hook) = hook else {
        tracing::warn!("webhook {}: message {id} is dropped: it is no longer set", delivery.url);
        return blocking(move || jobs.delivered(&id)).await;
    };
    let failed = match send(hook, &delivery).await {
        Ok(status) if status.is_success() => return blocking(move || jobs.delivered(&id)).await,
        // Standard Webhooks: nothing is wanted there any more.
        Ok(StatusCode::GONE) => {
            tracing::error!("webhook {}: message {id} is given up: 410", hook.url);
            return blocking(move || jobs.delivered(&id)).await;
        }
        Ok(status) => format!("status {}", status.as_u16()),
        Err(e) => e,
    };
    match hook.retry.get(delivery.attempts as usize).copied() {
        Some(seconds) => {
            tracing::warn!("webhook {}: {failed}; tried again in {seconds} s", hook.url);
            blocking(move || jobs.postpone(&id, seconds)).await
        }
        None => {
            tracing::error!("webhook {}: message {id} is given up: {failed}", hook.url);
            blocking(move || jobs.delivered(&id)).await
        }
    }
}

async fn send(hook: &Webhook, delivery: &Delivery) -> Result<StatusCode, String> {
    let timestamp = now();
    let request = client(hook.allow_private)
        .map_err(|e| whole(&e))?
        .post(&hook.url)
        .header(header::CONTENT_TYPE, "application/json")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", hook.signature(&delivery.id, timestamp, &delivery.body))
        .body(delivery.body.clone());
    // The answer's body is nothing to us.
    request.send().await.map(|answer| answer.status()).map_err(|e| whole(&e.without_url()))
}

/// A connection of its own for each attempt: there are few.
fn client(allow_private: bool) -> reqwest::Result<Client> {
    static PROVIDER: Once = Once::new();
    // One that is there already serves as well.
    PROVIDER.call_once(|| drop(ring::default_provider().install_default()));
    Client::builder()
        .user_agent(concat!("filmgate/", env!("CARGO_PKG_VERSION")))
        .timeout(PATIENCE)
        // Neither may lead where the settings do not.
        .redirect(Policy::none())
        .no_proxy()
        .dns_resolver(Arc::new(Resolver { allow_private }))
        .build()
}

/// An error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said = format!("{said}: {error}");
        cause = error.source();
    }
    said
}

/// Looks names up, and leaves out what may not be reached: the address that was looked at is the one
/// that is connected to.
struct Resolver {
    allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> =
                found.filter(|a| allow_private || !is_private(a.ip())).collect();
            if addresses.is_empty() {
                let said = format!(
                    "{} is a loopback or private address, which allow-private = true would permit",
                    name.as_str()
                );
                return Err(said.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
