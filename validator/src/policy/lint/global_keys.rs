//! The condition keys `aws:…` and `sts:…`: a table.
//!
//! Sources: [global condition keys][1], [those of STS][2].
//!
//! [1]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
//! [2]: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecuritytokenservice.html

/// Whether the keys of this prefix are those listed here.
pub(super) fn is_global(prefix: &str) -> bool {
    prefix.eq_ignore_ascii_case("aws") || prefix.eq_ignore_ascii_case("sts")
}

/// Every known key; a `/` ends those that a name follows.
pub(super) const KEYS: &[&str] = &[
    "aws:AssumedRoot",
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:ChatbotSourceArn",
    "aws:CurrentTime",
    "aws:Ec2InstanceSourcePrivateIPv4",
    "aws:Ec2InstanceSourceVpc",
    "aws:EpochTime",
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalIsAWSService",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:PrincipalTag/",
    "aws:PrincipalType",
    "aws:Referer",
    "aws:RequestTag/",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:ResourceTag/",
    "aws:SecureTransport",
    "aws:SignInSessionArn",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:TagKeys",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:ViaAWSService",
    "aws:VpcSourceIp",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:userid",
    "aws:username",
    "sts:AWSServiceName",
    "sts:DurationSeconds",
    "sts:ExternalId",
    "sts:IdentityTokenAudience",
    "sts:RequestContext/",
    "sts:RequestContextProviders",
    "sts:RoleSessionName",
    "sts:SigningAlgorithm",
    "sts:SourceIdentity",
    "sts:SubjectMode",
    "sts:TaskPolicyArn",
    "sts:TransitiveTagKeys",
];

/// Those of them that have several values in one request.
pub(super) const MULTIVALUED: &[&str] = &[
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "aws:VpceOrgPaths",
    "sts:IdentityTokenAudience",
    "sts:RequestContextProviders",
    "sts:TransitiveTagKeys",
];

/// Those that say which principal calls, or for whom. A value with wildcards says so only if before the first of them
/// there are that many of the separator: an ARN has its account before the fifth colon.
pub(super) const IDENTIFYING: &[(&str, char, usize)] = &[
    ("aws:PrincipalAccount", '/', 1),
    ("aws:PrincipalArn", ':', 5),
    ("aws:PrincipalOrgID", '/', 1),
    ("aws:PrincipalOrgPaths", '/', 1),
    ("aws:SourceAccount", '/', 1),
    ("aws:SourceArn", ':', 5),
    ("aws:userid", ':', 1),
];
