//! `hostwright rotate`: asks for new credentials. The old ones stop working.

use hostwright_crds::annotation;

use super::failure::Failure;
use super::output::Output;
pub(super) use super::request::Arguments;
use super::request::Request;
use super::service::Service;

const NEW_CREDENTIALS: Request = Request {
    annotation: annotation::ROTATE_REQUESTED_AT,
    manager: "hostwright-rotate",
    done: "is given new credentials",
};

pub(super) async fn run(arguments: Arguments, output: &Output) -> Result<(), Failure> {
    let service = arguments.service.read().await?;
    if let Some(ended) = service.ended() {
        let title = service.title();
        return Err(Failure::failed(format!(
            "{title} ended at {ended}, and nobody logs in any more; nothing was changed"
        )));
    }
    NEW_CREDENTIALS.make(&service, arguments.dry_run, output).await?;
    if !arguments.dry_run {
        output.remark(&where_they_are(&service));
    }
    Ok(())
}

fn where_they_are(service: &Service) -> String {
    let secret = service.text("/status/credentials/secretName");
    let look = service.command("history");
    if secret.is_empty() {
        return format!("So far it has none, and its plugin may issue none. What came of it: {look}");
    }
    format!("Once they are issued they are in Secret {}/{secret}. What came of it: {look}", service.namespace())
}

#[cfg(test)]
mod tests {
    use super::super::service::fixture::{alice, cluster};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn it_says_where_new_credentials_will_be() {
        let client = cluster().await;
        let status = json!({"credentials": {"secretName": "alice-credentials", "keys": ["password"]}});
        let service = alice(&client, |_| {}, status).await;
        assert!(
            where_they_are(&service).contains("Secret customers/alice-credentials"),
            "{}",
            where_they_are(&service)
        );
    }
}
