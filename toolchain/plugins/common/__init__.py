"""What the air-gapped resource plugins share: one declarative table a resource, and the server.

A plugin writes, for each resource type, a table of its properties and a few short methods;
everything Pulumi's protocol asks beyond that is derived from the table:

    class Flag(Resource):
        token = "example:index/flag:Flag"
        fields = {
            "name": string(autoname=True, replace=True),
            "length": integer(required=True, replace=True),
            "keepers": mapping(replace=True),
            "result": string(output=True, secret=True),
        }

        def create(self, call: Call, inputs: Plain) -> Made:
            return Made(id="...", outputs={"result": "..."})

    # __main__.py of the plugin
    server.main(Provider("example", version, {Flag.token: Flag}))

Modules
    values     Struct <-> Python. A secret is `Secret(value)`, a value not known yet is `UNKNOWN`.
    fields     the table: `string`, `integer`, `boolean`, `mapping`, `items` (order counts),
               `bag` (order does not), `block` (nested object); `check` validates, fills in
               defaults and names; `normal` is the form in which two values are compared.
    rules      checks with their comparable form: durations, ratios, base64, one-of, ranges.
    changes    `compare(fields, old, new)`: what differs, and whether it replaces;
               `adopt(fields, inputs, live)`: inputs as they should read after a refresh.
    resource   `Resource`, `Function`, `Call` (log, time limit, cancellation), `Made`, `Live`.
    provider   `Provider`: dispatch by token, generic check, diff, preview, create, read ...
    server     the gRPC server; `main(provider)` is the whole of a plugin's `__main__`.
    errors     `PluginError` (one clear message), `Incomplete` (made, but not ready).

Contract of a `Resource`
    Methods get and return plain Python values (no `Secret`, no `UNKNOWN`): the provider seals
    again whatever was secret on the way in, and every field that the table marks as secret.
    They run in a thread each and may block; long waits go through `call.sleep`, which raises
    when the operation is cancelled or out of time. Only `create` is mandatory: without `read`
    the state is taken as it is, without `update` a change is stored only, without `delete`
    nothing is removed. `check` and `diff` never reach a resource's methods except `validate`,
    `derive`, `judge` and `overdue`, which are offline.
"""
