use anteroom_stand_ins::workos::{Organization, User};
use serde_json::{Value, json};

use super::{Application, error};

fn ids(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().expect("a list");
    data.iter().map(|item| item["id"].as_str().expect("an id")).collect()
}

fn names(list: &Value) -> Vec<&str> {
    let data = list["data"].as_array().expect("a list");
    data.iter().map(|item| item["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn finds_a_user_by_address_in_any_case() {
    let application = Application::new().await;
    let (status, list) =
        application.gets("/user_management/users?email=JANE.doe@example.com").await;
    assert_eq!((status, &list["object"]), (200, &json!("list")));
    let [user] = &list["data"].as_array().expect("a list")[..] else { panic!("one user") };
    assert_eq!(user["first_name"], "Jane");
    assert_eq!(user["profile_picture_url"], "https://img.example.com/jane.png");
    assert_eq!(list["list_metadata"], json!({"before": null, "after": null}));
    let id = user["id"].as_str().expect("an id");
    assert_eq!(application.gets(&format!("/user_management/users/{id}")).await.1, *user);
    let (_, none) = application.gets("/user_management/users?email=nobody@example.com").await;
    assert_eq!(none["data"], json!([]));
}

#[tokio::test]
async fn creates_a_user_once() {
    let application = Application::new().await;
    let person = json!({"email": "New@example.com", "first_name": "New", "last_name": null});
    let (status, user) = application.posts("/user_management/users", &person).await;
    assert_eq!((status, &user["email"]), (201, &json!("new@example.com")));
    assert_eq!((&user["first_name"], &user["email_verified"]), (&json!("New"), &json!(false)));
    assert_eq!(application.workos.user("new@example.com").id, user["id"].as_str().expect("an id"));

    let (status, body) = application.posts("/user_management/users", &person).await;
    assert_eq!((status, error(&body)), (400, "user_creation_error"));
    assert_eq!(body["errors"][0]["code"], "email_not_available");
    for wrong in [json!({}), json!({"email": "a@b.c", "email_verified": "yes"})] {
        assert_eq!(application.posts("/user_management/users", &wrong).await.0, 422, "{wrong}");
    }
}

#[tokio::test]
async fn finds_organizations_by_domain_however_the_list_is_written() {
    let application = Application::new().await;
    let paths = [
        "/organizations?domains[]=sso.example.com",
        "/organizations?domains%5B%5D=sso.example.com",
        "/organizations?domains=sso.example.com",
        "/organizations?domains=SSO.example.com,nobody.example.com",
    ];
    for path in paths {
        let (_, list) = application.gets(path).await;
        assert_eq!(names(&list), ["Sso Example"], "{path}");
        assert_eq!(list["data"][0]["domains"][0]["state"], "verified");
    }
    let (_, list) = application.gets("/organizations?domains[]=pending.example.com").await;
    assert_eq!(list["data"][0]["domains"][0]["state"], "pending");
    let (_, list) = application.gets("/organizations?domains[]=example.com").await;
    assert_eq!(list["data"], json!([]), "a domain is not its subdomains");

    let id = application.organization_id("Sso Example");
    let (_, organization) = application.gets(&format!("/organizations/{id}")).await;
    assert_eq!(organization["domains"][0]["domain"], "sso.example.com");
}

#[tokio::test]
async fn tells_active_connections_from_inactive_ones() {
    let application = Application::new().await;
    for (name, state) in [("Sso Example", "active"), ("Inactive Example", "inactive")] {
        let id = application.organization_id(name);
        let (_, list) = application.gets(&format!("/connections?organization_id={id}")).await;
        assert_eq!(ids(&list).len(), 1);
        assert_eq!(list["data"][0]["state"], state);
        assert_eq!(list["data"][0]["organization_id"], id);
    }
    let id = application.organization_id("Example");
    let (_, list) = application.gets(&format!("/connections?organization_id={id}")).await;
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn pages_through_a_hundred_memberships() {
    let application = Application::new().await;
    let user = application.workos.user("member_of_hundred").id;
    let path = format!("/user_management/organization_memberships?user_id={user}");
    let (_, first) = application.gets(&path).await;
    assert_eq!(ids(&first).len(), 10, "the default");
    assert_eq!(first["list_metadata"]["before"], Value::Null);

    let mut seen: Vec<String> = Vec::new();
    let mut after = String::new();
    loop {
        let (_, page) = application.gets(&format!("{path}&limit=30&order=asc{after}")).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        let Some(cursor) = page["list_metadata"]["after"].as_str() else { break };
        after = format!("&after={cursor}");
    }
    assert_eq!(seen.len(), 100);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 100, "each once");

    let (_, newest) = application.gets(&format!("{path}&limit=1")).await;
    assert_eq!(newest["data"][0]["organization_name"], "Team 100");
    let before = ids(&newest)[0];
    let (_, none) = application.gets(&format!("{path}&before={before}")).await;
    assert_eq!(none["data"], json!([]), "nothing is before the newest");
    for limit in ["0", "101", "x"] {
        assert_eq!(application.gets(&format!("{path}&limit={limit}")).await.0, 422, "{limit}");
    }
    assert_eq!(application.gets(&format!("{path}&order=up")).await.0, 422);
}

#[tokio::test]
async fn memberships_are_asked_for_by_user_or_organization() {
    let application = Application::new().await;
    let path = "/user_management/organization_memberships";
    let (status, body) = application.gets(path).await;
    assert_eq!((status, error(&body)), (400, "missing_user_id_or_organization_id"));

    let user = application.workos.user("jane").id;
    let (_, list) = application.gets(&format!("{path}?user_id={user}")).await;
    let membership = &list["data"][0];
    assert_eq!((&membership["status"], &membership["user_id"]), (&json!("active"), &json!(user)));
    assert_eq!(membership["role"], json!({"slug": "admin"}));
    let (_, list) = application.gets(&format!("{path}?user_id={user}&statuses=pending")).await;
    assert_eq!(list["data"], json!([]));
    let organization = application.organization_id("TAUNTA SCRE");
    let (_, list) = application.gets(&format!("{path}?organization_id={organization}")).await;
    assert_eq!(list["data"][0]["user"]["email"], "123@gmail.com");
}

#[tokio::test]
async fn a_test_adds_and_takes_away_whom_it_needs() {
    let application = Application::new().await;
    let workos = &application.workos;
    workos.add_user(User::new("sam", "Sam@example.com").with_name("Sam", "Spade"));
    workos.add_organization(Organization::new("Falcon"));
    workos.add_member("Falcon", "sam");
    let answer = workos.sign_in("sam", None);
    assert_eq!(answer["organization_id"], workos.organization("Falcon").id);
    assert_eq!(answer["user"]["email"], "sam@example.com");

    workos.remove_member("Falcon", "sam");
    assert_eq!(workos.sign_in("sam", None).get("organization_id"), None);
    workos.remove_user("sam");
    assert!(!workos.has_user("sam"));
}
