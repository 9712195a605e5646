### Frame of the pages, signing in, first page, common words

brand = { " " }Data Directory Chain
skip = Skip to the main content
language-other = 中文
account = Signed in as
sign-in = Sign in
sign-in-title = Sign in to your department's node
sign-in-lead = Use the account that your department's administrator gave you.
sign-in-hint = After several wrong passwords the account is locked for a while. If you forgot yours, ask your department's administrator.
sign-out = Sign out
user = User name
password = Password
nav = Main
nav-home = Home
nav-catalog = Catalog
nav-drafts = Drafts
nav-grants = Grants
nav-query = Query data
nav-cases = Cases
nav-audit = Access audit
nav-ledger = Ledger
nav-cluster = Cluster
nav-verify = Verify a licence
foot = Every catalog entry, grant, access and e-licence is recorded on the ledger, where it can be looked up, checked and traced.
contact = Questions
notice-own = Notice of this department
foot-api = Data interface documentation
flash-transaction = See it on the ledger
back-home = Back to the first page
request-id = Request number:

home-findings = { $count ->
    [one] A provider made a promise to this department and did not keep it. The auditor sees it too.
   *[other] Providers made { $count } promises to this department and did not keep them. The auditor sees them too.
}
home-title = Welcome, { $user }
home-tasks = Waiting for you
home-tasks-none = Nothing waits for you at the moment.
strip-title = Where the ledger stands
strip-proposed = Proposed
strip-proposed-hint = transactions of this node that wait for the ledger
strip-committed = Committed
strip-committed-hint = transactions that a majority of nodes has on disk
strip-projected = Projected
strip-projected-hint = transactions that lists and searches on this node show
strip-time = Last block: { $time }.

waiting-drafts = drafts to approve
waiting-grants = grant requests to decide
waiting-overdue = Overdue
waiting-appeals = Appeals to rule on
waiting-sign_offs = cases to sign off
waiting-expiring = grants about to expire
waiting-changed = granted entries changed or ended
task-drafts = Draft
task-grants = Grant request
task-overdue = Overdue
task-appeals = Appeal
task-sign_offs = Sign-off
task-expiring = Expiring
task-changed = Changed

role-clerk = Clerk
role-reviewer = Reviewer
role-admin = Administrator
role-auditor = Auditor
role-system = System

yes = Yes
no = No
none = None
any = Any
optional = (optional)
search = Search
filter = Filter
refresh = Refresh
edit = Edit
cancel = Cancel
actions = Actions
results = Results
pager = Pages
pager-first = First page
pager-next = Next page
form-faults = Please correct the following:
as-of-index = As of ledger size { $index }.
state = State
time = Time
by = By
reason = Reason
version = Version
level = Level
sharing = Sharing
provider = Provider
consumer = Consumer
department = Department
actor = Actor
entry = Entry
item = Item
matter = Matter
purpose = Purpose
legal-basis = Legal basis
cause = Cause
case-number = Case number
rule = Rule
grant = Grant
basis = Ledger size at the decision
access-id = Access number
ledger-index = Ledger index
transaction = Transaction
block = Block
expiry-signing-key = { $days ->
    [one] The department's signing key ends in 1 day: rotate it on the page Keys.
   *[other] The department's signing key ends in { $days } days: rotate it on the page Keys.
}
expiry-certificate = { $days ->
    [one] The node's certificate ends in 1 day: have the city's authority issue a new one.
   *[other] The node's certificate ends in { $days } days: have the city's authority issue a new one.
}
home-more = { $count } more: choose a kind to see them.
home-sent = Sent by you
home-sent-none = Nothing that you sent is under way.
lasts-today = today
lasts-days = { $count ->
    [one] for 1 day
   *[other] for { $count } days
}
live-on = Kept up to date
live-off = Not kept up to date: connecting again
waiting-all = things to do
waiting-stuck = cases that lack data
waiting-returned = cases given back
waiting-agreed = cases to finish
task-stuck = Lacks data
task-returned = Given back
task-agreed = To finish
technical-detail = Technical detail
begin = Often needed
begin-case = Handle a case
begin-query = Query data
begin-find = Find data, ask for a grant
begin-draft = Describe data
begin-grants = Decide on requests
begin-sign-offs = Sign off cases
begin-audit = Trace accesses
begin-accounts = Accounts and tokens
begin-cluster = Look at the cluster
