"""The console: the pages of a provider's admin and of the operator, rendered here, over the same ports as the product.

A page is a handler, a template and the words in it. Handlers read and decide; templates show; nothing in here knows a
vendor or a database. Whatever asks an ERP or Huggy goes through `console.work_loop`.
"""
