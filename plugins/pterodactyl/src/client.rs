//! Sends requests to one panel on behalf of one call, and judges the answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hostwright_plugin::{Call, Class, Error, Instance, Redactor, Scope, Secret};
use http::StatusCode;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::Url;

use crate::answer::{Answer, Envelope, List};
use crate::errors::{Failure, Judge, NOT_FOUND};
use crate::request::{ApiRequest, permission};
use crate::transport::{Transport, TransportError};

/// How long one answer may take: the panel itself waits up to 20 s for Wings.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// One panel, as one call sees it.
pub(crate) struct Client {
    transport: Arc<dyn Transport>,
    /// The base address of the panel.
    pub(crate) panel: Url,
    key: Secret,
    redactor: Redactor,
    /// The name of the instance, for messages.
    pub(crate) instance: String,
    deadline: Option<Timestamp>,
}

impl Client {
    pub(crate) fn for_call(transport: &Arc<dyn Transport>, call: &Call) -> Result<Self, Error> {
        let client = Self::new(transport, &call.instance, &call.checkout_secrets)?;
        Ok(Self { deadline: Some(call.deadline), ..client })
    }

    pub(crate) fn for_instance(transport: &Arc<dyn Transport>, instance: &Instance) -> Result<Self, Error> {
        Self::new(transport, instance, &BTreeMap::new())
    }

    fn new(
        transport: &Arc<dyn Transport>,
        instance: &Instance,
        more_secrets: &BTreeMap<String, Secret>,
    ) -> Result<Self, Error> {
        let key = instance.secret("api_key").ok_or_else(|| {
            let text = format!("{}: api_key is missing; put an application API key there", instance.name);
            Error::new(Class::Invalid, "required", text).scoped(Scope::Instance).on_field("instance.api_key")
        })?;
        // Secrets made from files end in a line break.
        let key = Secret::new(key.expose().trim());
        let redactor = Redactor::new(instance.secrets.values().chain(more_secrets.values()).chain([&key]));
        let panel = panel_address(instance)?;
        Ok(Self {
            transport: Arc::clone(transport),
            panel,
            key,
            redactor,
            instance: instance.name.clone(),
            deadline: None,
        })
    }

    /// The object that a request answers with this status.
    pub(crate) async fn object<T: DeserializeOwned>(
        &self,
        request: &ApiRequest,
        expected: StatusCode,
    ) -> Result<T, Failure> {
        let answer = self.send(request).await?;
        self.accept(request, &answer, expected)?;
        let envelope: Envelope<T> = self.parse(request, &answer)?;
        Ok(envelope.attributes)
    }

    /// The object that is looked for; none only when the panel itself says that there is none.
    pub(crate) async fn find<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<Option<T>, Failure> {
        let answer = self.send(request).await?;
        if self.proves_absence(&answer).await? {
            return Ok(None);
        }
        self.accept(request, &answer, StatusCode::OK)?;
        let envelope: Envelope<T> = self.parse(request, &answer)?;
        Ok(Some(envelope.attributes))
    }

    /// One page of a list.
    pub(crate) async fn list(&self, request: &ApiRequest) -> Result<List, Failure> {
        let answer = self.send(request).await?;
        self.accept(request, &answer, StatusCode::OK)?;
        Ok(self.parse(request, &answer)?)
    }

    /// Does something that answers nothing.
    pub(crate) async fn perform(&self, request: &ApiRequest) -> Result<(), Failure> {
        let answer = self.send(request).await?;
        self.accept(request, &answer, StatusCode::NO_CONTENT)
    }

    /// Does something that answers nothing to an object; false when the panel says that it does not exist.
    pub(crate) async fn perform_if_present(&self, request: &ApiRequest) -> Result<bool, Failure> {
        let answer = self.send(request).await?;
        if self.proves_absence(&answer).await? {
            return Ok(false);
        }
        self.accept(request, &answer, StatusCode::NO_CONTENT)?;
        Ok(true)
    }

    /// The status of a read whose object does not matter. Failures that say nothing about the path are errors.
    pub(crate) async fn probe(&self, request: &ApiRequest) -> Result<Answer, Failure> {
        let answer = self.send(request).await?;
        let is_about_the_path = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        if is_about_the_path && !answer.refusals().is_empty() {
            return Ok(answer);
        }
        self.accept(request, &answer, StatusCode::OK)?;
        let _: List = self.parse(request, &answer)?;
        Ok(answer)
    }

    /// A failure that is found before anything is asked.
    pub(crate) fn invalid(&self, field: &str, text: &str) -> Error {
        Error::new(Class::Invalid, "invalid", format!("{}: {text}", self.instance)).on_field(field)
    }

    async fn send(&self, request: &ApiRequest) -> Result<Answer, Error> {
        let judge = self.judge();
        let wait = self.wait().ok_or_else(|| {
            let text = format!("{}: {} was not sent: the time for this call is over", self.instance, request.name());
            Error::new(Class::Unavailable, "deadline", text)
        })?;
        let message = request.to_http(&self.panel, &self.key).map_err(|_| {
            // What is left to be wrong is the key, which must not be repeated.
            let text = format!("{}: api_key contains characters that no API key has; copy it again", self.instance);
            Error::new(Class::Invalid, "malformed_key", text).scoped(Scope::Instance).on_field("instance.api_key")
        })?;
        let result = tokio::time::timeout(wait, self.transport.send(message))
            .await
            .unwrap_or_else(|_| Err(TransportError::Interrupted(format!("no answer within {} s", wait.as_secs()))));
        let response = result.map_err(|error| judge.unanswered(request, &error))?;
        tracing::debug!(
            instance = self.instance,
            request = request.name(),
            status = response.status().as_u16(),
            "asked"
        );
        Ok(Answer::new(response))
    }

    /// How long an answer may take; none when the deadline has passed.
    fn wait(&self) -> Option<Duration> {
        let Some(deadline) = self.deadline else {
            return Some(ANSWER_TIMEOUT);
        };
        let left = Duration::try_from(deadline.duration_since(Timestamp::now())).ok()?;
        (!left.is_zero()).then(|| left.min(ANSWER_TIMEOUT))
    }

    fn accept(&self, request: &ApiRequest, answer: &Answer, expected: StatusCode) -> Result<(), Failure> {
        if answer.status == expected {
            return Ok(());
        }
        Err(self.judge().refused(request, answer, Timestamp::now()))
    }

    fn parse<T: DeserializeOwned>(&self, request: &ApiRequest, answer: &Answer) -> Result<T, Error> {
        answer.json().ok_or_else(|| self.judge().not_the_panel(request, answer))
    }

    /// True when the panel says that an object does not exist. Anything else may say 404 as well: a proxy, a wrong base
    /// address, Wings through the panel. So the answer must be the panel's own, and given behind its key check; where a
    /// proxy has removed the mark of that, the API must answer another question.
    async fn proves_absence(&self, answer: &Answer) -> Result<bool, Failure> {
        let says_so = answer.status == StatusCode::NOT_FOUND
            && answer.refusals().first().is_some_and(|refusal| refusal.code == NOT_FOUND);
        if says_so && !answer.is_behind_key_check() {
            let question = ApiRequest::get(permission::SERVERS, &["servers"]).query("per_page", "1");
            let confirmation = self.send(&question).await?;
            self.accept(&question, &confirmation, StatusCode::OK)?;
            let _: List = self.parse(&question, &confirmation)?;
        }
        Ok(says_so)
    }

    fn judge(&self) -> Judge<'_> {
        Judge { instance: &self.instance, redactor: &self.redactor }
    }
}

fn panel_address(instance: &Instance) -> Result<Url, Error> {
    let invalid = |text: &str| {
        Error::new(Class::Invalid, "panel_url", format!("{}: panel_url {text}", instance.name))
            .scoped(Scope::Instance)
            .on_field("instance.panel_url")
    };
    let text = instance.text("panel_url").ok_or_else(|| invalid("is missing"))?;
    let url = Url::parse(text.trim()).map_err(|_| invalid("is not an address such as https://panel.example.com"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(invalid("must start with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not contain a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must end with the path: remove what follows ? or #"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Result<Url, Error> {
        let mut instance = Instance { name: "panel-eu".to_owned(), ..Instance::default() };
        instance.settings.insert("panel_url".to_owned(), text.into());
        panel_address(&instance)
    }

    #[test]
    fn only_a_base_address_is_taken() {
        assert!(address("https://panel.example.com/games/").is_ok());
        for bad in
            ["panel.example.com", "ftp://panel.example.com", "https://a:b@panel.example.com", "https://p.example/?a=b"]
        {
            let error = address(bad).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("instance.panel_url"), "{bad}");
            assert_eq!(error.scope, Scope::Instance);
        }
    }

    #[test]
    fn path_segments_are_encoded_and_the_base_path_is_kept() {
        let request =
            ApiRequest::get(permission::USERS, &["users", "external", "a/b c"]).query("filter[email]", "x+y@z");
        let sent = request.to_http(&address("https://p.example/games/").unwrap(), &Secret::new("key")).unwrap();
        assert_eq!(
            sent.uri().to_string(),
            "https://p.example/games/api/application/users/external/a%2Fb%20c?filter%5Bemail%5D=x%2By%40z"
        );
    }
}
