"""The console: the pages of a provider's admin and of the operator, rendered here, over the same ports as the product.

A page is a handler, a template and the words in it. Handlers read and decide; templates show; nothing in here knows a
database or a vendor's wire. Whatever asks an ERP or Huggy goes through `console.work_loop`.

The words of one ERP, Voalle, stand in `setup_erp` and its template, `status`, `run_words`, `setup_saving` and
`setup_rule_fields`; `companies` and `connecting` begin every installation with it. See docs/adapters.md.
"""
